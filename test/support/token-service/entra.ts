import { bearerOf, type Routes, type ServiceAnswer, type ServiceRequest } from './server.ts';
import type { TokenStore } from './store.ts';
import { account, adminToken, issue, refused, type Vendor } from './vendor.ts';

const tenant = 'a-tenant';
const graphApplication = '/v1.0/applications/an-object';

const routes = (store: TokenStore): Routes => {
  const granted = new Map<string, 'the admin' | 'an application'>();
  const byAccess = (
    request: ServiceRequest,
    answer: (caller: 'the admin' | 'an application') => ServiceAnswer,
  ): ServiceAnswer => {
    const caller = granted.get(bearerOf(request) ?? '');
    return caller === undefined ? refused : answer(caller);
  };
  const byOwner = (answer: (request: ServiceRequest) => ServiceAnswer) => (request: ServiceRequest) =>
    byAccess(request, (caller) => (caller === 'the admin' ? answer(request) : { status: 403 }));
  return {
    [`POST /${tenant}/oauth2/v2.0/token`]: ({ body }) => {
      const { client_id: client, client_secret: secret } = body;
      const isAdmin = client === 'the-owner' && secret === adminToken;
      const isComplete =
        body.grant_type === 'client_credentials' && body.scope === 'https://graph.microsoft.com/.default';
      if (!isComplete) return { status: 400, json: { error: 'invalid_request' } };
      if (!isAdmin && store.find(String(secret))?.account !== client)
        return { status: 401, json: { error: 'invalid_client' } };
      const access_token = crypto.randomUUID();
      granted.set(access_token, isAdmin ? 'the admin' : 'an application');
      return { status: 200, json: { token_type: 'Bearer', expires_in: 3599, access_token } };
    },
    'GET /v1.0/organization': (request) =>
      byAccess(request, (caller) => ({ status: caller === 'the admin' ? 200 : 403, json: {} })),
    [`POST ${graphApplication}/addPassword`]: byOwner(({ body }) => {
      const { displayName, endDateTime }: { displayName?: string; endDateTime?: string } = Object(
        body.passwordCredential,
      );
      const { status, json } = issue(store, displayName, endDateTime !== undefined, (keyId, secretText) => ({
        keyId,
        secretText,
        displayName,
        endDateTime,
      }));
      return { status: status === 201 ? 200 : status, json };
    }),
    [`POST ${graphApplication}/removePassword`]: byOwner(({ body }) => ({
      status: store.revoke(account, String(body.keyId)) ? 204 : 400,
    })),
    [`GET ${graphApplication}`]: byOwner(() => ({
      status: 200,
      json: {
        passwordCredentials: store.list(account).map(({ id, label }) => ({ keyId: id, displayName: label })),
      },
    })),
  };
};

/** Microsoft Entra ID: its token endpoint and Microsoft Graph. */
export const entra: Vendor = {
  routes,
  secret: { tenantId: tenant, clientId: account },
  admin: { tenantId: tenant, clientId: 'the-owner', clientSecret: adminToken, objectId: 'an-object' },
  tokenOrigin: 'https://login.microsoftonline.com',
};
