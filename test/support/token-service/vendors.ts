import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { entra } from './entra.ts';
import { bearerOf, type Routes, type ServiceRequest } from './server.ts';
import type { TokenStore } from './store.ts';
import {
  account,
  adminToken,
  byAdmin,
  byToken,
  expiry,
  issue,
  refused,
  revoke,
  type Vendor,
} from './vendor.ts';

const privateToken = ({ headers }: ServiceRequest) => headers['private-token'];
const gitLabTokens = '/api/v4/personal_access_tokens';

const gitLab = (store: TokenStore): Routes => ({
  [`GET ${gitLabTokens}/self`]: byToken(store, privateToken, ({ id }) => ({
    status: 200,
    json: { id, user_id: Number(account) },
  })),
  [`POST /api/v4/users/${account}/personal_access_tokens`]: byAdmin(privateToken, ({ body }) => {
    const isComplete = Array.isArray(body.scopes) && /^\d{4}-\d\d-\d\d$/.test(String(body.expires_at));
    return issue(store, body.name, isComplete, (id, token) => ({ id, token, expires_at: body.expires_at }));
  }),
  // Two to a page, with the header that says so.
  [`GET ${gitLabTokens}`]: byAdmin(privateToken, ({ query }) => {
    const page = Number(query.get('page') ?? 1);
    const all =
      query.get('user_id') === account && query.get('state') === 'active' ? store.list(account) : [];
    const more =
      all.length > page * 2
        ? `<https://gitlab${gitLabTokens}?page=${page + 1}&state=active&user_id=42>; rel="next", `
        : '';
    const json = all.slice((page - 1) * 2, page * 2).map(({ id, label: name }) => ({ id, name }));
    return { status: 200, json, headers: { link: `${more}<https://gitlab/first>; rel="first"` } };
  }),
  [`DELETE ${gitLabTokens}/([^/]+)`]: byAdmin(privateToken, ({ parts: [id] }) => revoke(store, id)),
});

const gitLabSelf = (store: TokenStore): Routes => ({
  ...gitLab(store),
  [`POST ${gitLabTokens}/self/rotate`]: byToken(store, privateToken, ({ id, label }) => {
    store.revoke(account, id);
    return issue(store, label, true, (newId, token) => ({ id: newId, token, expires_at: '2031-05-06' }));
  }),
});

const grafanaTokens = `/api/serviceaccounts/${account}/tokens`;

const grafana = (store: TokenStore): Routes => ({
  'GET /api/org': byToken(store, bearerOf, () => ({
    status: 403,
    json: { message: 'Permissions needed: orgs:read' },
  })),
  [`POST ${grafanaTokens}`]: byAdmin(bearerOf, ({ body }) => {
    const { status, json } = issue(store, body.name, typeof body.secondsToLive === 'number', (id, key) => ({
      id,
      name: body.name,
      key,
    }));
    return { status: status === 201 ? 200 : status, json };
  }),
  [`GET ${grafanaTokens}`]: byAdmin(bearerOf, () => ({
    status: 200,
    json: store.list(account).map(({ id, label: name }) => ({ id, name })),
  })),
  [`DELETE ${grafanaTokens}/([^/]+)`]: byAdmin(bearerOf, ({ parts: [id] }) => ({
    ...revoke(store, id),
    json: { message: 'Service account token deleted' },
  })),
});

const cloudflareTokens = '/client/v4/user/tokens';

const cloudflare = (store: TokenStore): Routes => ({
  [`GET ${cloudflareTokens}/verify`]: byToken(store, bearerOf, ({ id }) => ({
    status: 200,
    json: { success: true, result: { id, status: 'active' } },
  })),
  [`POST ${cloudflareTokens}`]: byAdmin(bearerOf, ({ body }) => {
    const isComplete = Array.isArray(body.policies) && /^\d{4}-.*\dZ$/.test(String(body.expires_on));
    return issue(store, body.name, isComplete, (id, value) => ({
      success: true,
      result: { id, value, expires_on: body.expires_on },
    }));
  }),
  [`GET ${cloudflareTokens}`]: byAdmin(bearerOf, ({ query }) => {
    const start = (Number(query.get('page') ?? 1) - 1) * 2;
    const result = store
      .list(account)
      .slice(start, start + 2)
      .map(({ id, label: name }) => ({ id, name }));
    return { status: 200, json: { success: true, result } };
  }),
  [`DELETE ${cloudflareTokens}/([^/]+)`]: byAdmin(bearerOf, ({ parts: [id = ''] }) => ({
    ...revoke(store, id),
    json: { success: true, result: { id } },
  })),
});

const npmTokens = '/-/npm/v1/tokens';

const npm = (store: TokenStore): Routes => ({
  'GET /-/whoami': byToken(store, bearerOf, () => ({ status: 200, json: { username: account } })),
  [`POST ${npmTokens}`]: byAdmin(bearerOf, ({ body }) => {
    const isComplete =
      body.password === 'the password' && typeof body.expires === 'number' && Array.isArray(body.packages);
    return issue(store, body.name, isComplete, (key, token) => ({ key, token, expires: expiry }));
  }),
  [`GET ${npmTokens}`]: byAdmin(bearerOf, ({ query }) => {
    const start = Number(query.get('start') ?? 0);
    const objects = store
      .list(account)
      .slice(start, start + 2)
      .map(({ id: key, label: name }) => ({ key, name }));
    const isLast = start + 2 >= store.list(account).length;
    return {
      status: 200,
      json: { objects, urls: isLast ? {} : { next: `${npmTokens}?start=${start + 2}` } },
    };
  }),
  [`DELETE ${npmTokens}/token/([^/]+)`]: byAdmin(bearerOf, ({ parts: [id] }) => revoke(store, id)),
});

const appKey = generateKeyPairSync('rsa', { modulusLength: 2048 });

/** Whether a request shows the app's own token, as GitHub checks it: signature, issuer, and ten minutes at most. */
function isApp(request: ServiceRequest): boolean {
  const [head = '', claims = '', signature = ''] = (bearerOf(request) ?? '').split('.');
  if (signature === '') return false;
  const key = createPublicKey(appKey.publicKey.export({ type: 'spki', format: 'pem' }));
  const { iss, iat, exp } = JSON.parse(Buffer.from(claims, 'base64url').toString());
  const now = Date.now() / 1000;
  const isSigned = verify(
    'RSA-SHA256',
    Buffer.from(`${head}.${claims}`),
    key,
    Buffer.from(signature, 'base64url'),
  );
  return isSigned && iss === '77' && iat <= now && exp > now && exp - iat <= 600;
}

const gitHub = (store: TokenStore): Routes => ({
  'GET /app': (request) => (isApp(request) ? { status: 200, json: { id: 77 } } : refused),
  [`POST /app/installations/${account}/access_tokens`]: (request) =>
    isApp(request)
      ? issue(store, crypto.randomUUID(), true, (_id, token) => ({ token, expires_at: expiry }))
      : refused,
  'GET /installation/repositories': byToken(store, bearerOf, () => ({
    status: 200,
    json: { repositories: [] },
  })),
  'DELETE /installation/token': byToken(store, bearerOf, ({ id }) => revoke(store, id)),
});

const admin = { token: adminToken };

/** By the name of the ready description. */
export const vendors: Readonly<Record<string, Vendor>> = {
  cloudflare: { routes: cloudflare, admin: { ...admin, policies: [{ effect: 'allow' }] } },
  entra,
  'github-app': {
    routes: gitHub,
    admin: {
      appId: 77,
      installationId: Number(account),
      privateKey: appKey.privateKey.export({ type: 'pkcs1', format: 'pem' }),
    },
  },
  gitlab: { routes: gitLab, secret: { userId: Number(account) }, admin: { ...admin, scopes: ['read_api'] } },
  'gitlab-self': { routes: gitLabSelf, secret: { userId: Number(account) } },
  grafana: { routes: grafana, admin: { ...admin, serviceAccountId: Number(account) } },
  npm: {
    routes: npm,
    secret: { username: account },
    admin: { ...admin, password: 'the password', packages: ['left-pad'], permission: 'read-only' },
  },
};
