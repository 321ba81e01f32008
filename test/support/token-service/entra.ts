import { answersOf } from './documented.ts';
import { bearerOf, type Routes, type ServiceAnswer, type ServiceRequest } from './server.ts';
import type { TokenStore } from './store.ts';
import { account, adminToken, type Vendor } from './vendor.ts';

const tenant = 'a-tenant';
const graphApplication = '/v1.0/applications/an-object';

/**
 * @param graph the address of Microsoft Graph; the scope must be of the same cloud
 * @param lag after how many more calls all servers know a secret that was added
 */
export const entraRoutes =
  (preset: string, graph: string, lag = { calls: 0 }) =>
  (store: TokenStore): Routes => {
    const answer = answersOf(preset);
    const granted = new Map<string, 'the admin' | 'an application'>();
    const byOwner =
      (serve: (request: ServiceRequest) => ServiceAnswer) =>
      (request: ServiceRequest): ServiceAnswer => {
        const caller = granted.get(bearerOf(request) ?? '');
        if (caller === undefined) return answer('verify', 'refused');
        if (caller === 'the admin') return serve(request);
        return answer('mint', 'refused');
      };
    const isKnown = (id: unknown): boolean => {
      const newest = store.list(account).at(-1);
      if (newest?.id !== id || lag.calls === 0) return true;
      lag.calls -= 1;
      return false;
    };
    return {
      [`POST /${tenant}/oauth2/v2.0/token`]: ({ body }) => {
        const { client_id: client, client_secret: secret } = body;
        const isAdmin = client === 'the-owner' && secret === adminToken;
        const isComplete = body.grant_type === 'client_credentials' && body.scope === `${graph}/.default`;
        if (!isComplete) return answer('token request', 'failed');
        if (!isAdmin && store.find(String(secret))?.account !== client)
          return answer('token request', 'refused');
        const access_token = crypto.randomUUID();
        granted.set(access_token, isAdmin ? 'the admin' : 'an application');
        return answer('token request', 'accepted', { access_token });
      },
      'GET /v1.0/organization': (request) =>
        granted.get(bearerOf(request) ?? '') === undefined
          ? answer('verify', 'refused')
          : answer('verify', 'accepted', undefined, 403),
      [`POST ${graphApplication}/addPassword`]: byOwner(({ body }) => {
        const { displayName, endDateTime }: { displayName?: string; endDateTime?: string } = Object(
          body.passwordCredential,
        );
        const issued = endDateTime === undefined ? undefined : store.issue(account, displayName ?? '');
        if (issued === undefined) return answer('mint', 'failed');
        const { id: keyId, token: secretText } = issued;
        return answer('mint', 'accepted', { keyId, secretText, displayName, endDateTime });
      }),
      [`POST ${graphApplication}/removePassword`]: byOwner(({ body: { keyId } }) =>
        answer('revoke', isKnown(keyId) && store.revoke(account, String(keyId)) ? 'accepted' : 'failed'),
      ),
      [`GET ${graphApplication}`]: byOwner(() =>
        answer('list', 'accepted', {
          passwordCredentials: store
            .list(account)
            .map(({ id, label }) => ({ keyId: id, displayName: label })),
        }),
      ),
    };
  };

const clouds = {
  entra: ['https://graph.microsoft.com', 'https://login.microsoftonline.com'],
  'entra-us-government': ['https://graph.microsoft.us', 'https://login.microsoftonline.us'],
  'entra-us-dod': ['https://dod-graph.microsoft.us', 'https://login.microsoftonline.us'],
  'entra-china': ['https://microsoftgraph.chinacloudapi.cn', 'https://login.chinacloudapi.cn'],
} as const;

/** Microsoft Entra ID in each of its clouds: its token endpoint and Microsoft Graph. */
export const entraVendors: Readonly<Record<string, Vendor>> = Object.fromEntries(
  Object.entries(clouds).map(([name, [graph, tokenOrigin]]) => [
    name,
    {
      routes: entraRoutes(name, graph),
      secret: { tenantId: tenant, clientId: account },
      admin: { tenantId: tenant, clientId: 'the-owner', clientSecret: adminToken, objectId: 'an-object' },
      tokenOrigin,
    },
  ]),
);
