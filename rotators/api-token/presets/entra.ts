import type { ApiDescription } from '../description.ts';

const application = '/v1.0/applications/{admin.objectId}';

/** A cloud of Microsoft, with the URLs of Microsoft Graph and of the token endpoint. */
interface Cloud {
  readonly name: string;
  readonly graph: string;
  readonly login: string;
}

/**
 * Client secrets of an application of Microsoft Entra ID. Another application, which owns the first, adds and removes them
 * (permission Application.ReadWrite.OwnedBy). `objectId` in the admin secret is the id of the first application.
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
      // 403: the client secret got an access token, so it works. The application only lacks the permission for this call.
      accepted: [200, 403],
      refused: [401],
    },
    // 400 means that the client secret does not exist, or that not all servers know it yet. So 400 does not prove that it is gone.
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

/** Entra ID in Microsoft's global cloud and in the national clouds. @see https://learn.microsoft.com/graph/deployments */
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
