import type { ApiDescription } from '../description.ts';

const application = '/v1.0/applications/{admin.objectId}';

/** A cloud of Microsoft's: where Microsoft Graph and the token endpoint are. */
interface Cloud {
  readonly name: string;
  readonly graph: string;
  readonly login: string;
}

/**
 * Client secrets of an application of Microsoft Entra ID, which another one adds and removes that owns it (the
 * permission Application.ReadWrite.OwnedBy). Which application it is stands in the admin secret, as `objectId`.
 *
 * @see https://learn.microsoft.com/en-us/graph/api/application-addpassword
 */
function entraIn({ name, graph, login }: Cloud): ApiDescription {
  const grant = {
    scheme: 'client-credentials',
    scope: `${graph}/.default`,
    // https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
    authentication: 'client_secret_post',
  } as const;
  const admin = {
    ...grant,
    tokenUrl: `${login}/{admin.tenantId}/oauth2/v2.0/token`,
    clientId: '{admin.clientId}',
    clientSecret: '{admin.clientSecret}',
  } as const;
  return {
    name,
    source: 'https://learn.microsoft.com/en-us/graph/api/application-addpassword',
    baseUrl: graph,
    accountField: 'clientId',
    fields: { token: 'clientSecret', id: 'keyId' },
    lifetimeDays: '{admin.lifetimeDays|180}',
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
        ...grant,
        tokenUrl: `${login}/{secret.tenantId}/oauth2/v2.0/token`,
        clientId: '{secret.clientId}',
        clientSecret: '{token}',
      },
      // 403: the secret got its access token, and the application has no permission that this takes.
      accepted: [200, 403],
      refused: [401],
    },
    // 400 says that there is no such secret, and also that not all servers know it yet: so it proves nothing.
    revoke: {
      method: 'POST',
      path: `${application}/removePassword`,
      json: { keyId: '{revoked.id}' },
      auth: admin,
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
}

/** Entra ID in Microsoft's global cloud and in the national ones. @see https://learn.microsoft.com/graph/deployments */
export const entraClouds: readonly ApiDescription[] = [
  { name: 'entra', graph: 'https://graph.microsoft.com', login: 'https://login.microsoftonline.com' },
  {
    name: 'entra-us-government',
    graph: 'https://graph.microsoft.us',
    login: 'https://login.microsoftonline.us',
  },
  {
    name: 'entra-us-dod',
    graph: 'https://dod-graph.microsoft.us',
    login: 'https://login.microsoftonline.us',
  },
  {
    name: 'entra-china',
    graph: 'https://microsoftgraph.chinacloudapi.cn',
    login: 'https://login.chinacloudapi.cn',
  },
].map(entraIn);
