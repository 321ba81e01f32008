import type { ApiDescription } from '../description.ts';

/** Microsoft's token endpoint of a tenant, for a token of Microsoft Graph. */
const graph = {
  scheme: 'client-credentials',
  scope: 'https://graph.microsoft.com/.default',
} as const;

const admin = {
  ...graph,
  tokenUrl: 'https://login.microsoftonline.com/{admin.tenantId}/oauth2/v2.0/token',
  clientId: '{admin.clientId}',
  clientSecret: '{admin.clientSecret}',
} as const;

const application = '/v1.0/applications/{admin.objectId}';

/**
 * Client secrets of an application of Microsoft Entra ID, which another one adds and removes that owns it (the
 * permission Application.ReadWrite.OwnedBy). Which application it is stands in the admin secret, as `objectId`.
 *
 * @see https://learn.microsoft.com/en-us/graph/api/application-addpassword
 */
export const entra: ApiDescription = {
  name: 'entra',
  source: 'https://learn.microsoft.com/en-us/graph/api/application-addpassword',
  baseUrl: 'https://graph.microsoft.com',
  accountField: 'clientId',
  fields: { token: 'clientSecret', id: 'keyId' },
  lifetimeDays: 180,
  mint: {
    method: 'POST',
    path: `${application}/addPassword`,
    json: { passwordCredential: { displayName: '{label}', endDateTime: '{expiry.time}' } },
    auth: admin,
    token: '/secretText',
    id: '/keyId',
    expiresAt: '/endDateTime',
  },
  verify: {
    method: 'GET',
    path: '/v1.0/organization',
    auth: {
      ...graph,
      tokenUrl: 'https://login.microsoftonline.com/{secret.tenantId}/oauth2/v2.0/token',
      clientId: '{secret.clientId}',
      clientSecret: '{token}',
    },
    // 403: the secret got its access token, and the application has no permission that this takes.
    accepted: [200, 403],
    refused: [401],
  },
  revoke: {
    method: 'POST',
    path: `${application}/removePassword`,
    json: { keyId: '{revoked.id}' },
    auth: admin,
    // 400 is for an id that it does not have.
    gone: [400, 404],
  },
  list: {
    method: 'GET',
    path: application,
    query: { $select: 'passwordCredentials' },
    auth: admin,
    items: '/passwordCredentials',
    id: '/keyId',
    label: '/displayName',
  },
};
