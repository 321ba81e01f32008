import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { bearerOf, type Routes, type ServiceAnswer, type ServiceRequest } from './server.ts';
import type { IssuedToken, TokenStore } from './store.ts';

/** Calls of a vendor's API, as its documentation has them, over tokens that are really issued and revoked. */
export interface Vendor {
  readonly routes: (store: TokenStore) => Routes;
  /** Fields of the secret besides host, token and its id. */
  readonly secret?: Readonly<Record<string, unknown>>;
  /** Fields of the admin secret besides host; none where no admin is needed. */
  readonly admin?: Readonly<Record<string, unknown>>;
  /** Where the vendor issues access tokens; the same service does at the stand-in. */
  readonly tokenOrigin?: string;
}

/** The one account of a vendor under test. */
export const account = '42';
const adminToken = 'the-token-of-an-administrator';
const expiry = '2031-05-06T07:08:09Z';

const refused: ServiceAnswer = { status: 401, json: { message: '401 Unauthorized' } };

/** Answers to the admin alone. */
function byAdmin(
  tokenOf: (request: ServiceRequest) => unknown,
  answer: (request: ServiceRequest) => ServiceAnswer,
) {
  return (request: ServiceRequest) => (tokenOf(request) === adminToken ? answer(request) : refused);
}

/** Answers to whoever has a token; the admin has one too. */
function byToken(
  store: TokenStore,
  tokenOf: (request: ServiceRequest) => unknown,
  answer: (caller: Pick<IssuedToken, 'id' | 'label'>) => ServiceAnswer,
) {
  return (request: ServiceRequest) => {
    const token = String(tokenOf(request));
    const caller = token === adminToken ? { id: '0', label: 'admin' } : store.find(token);
    return caller === undefined ? refused : answer(caller);
  };
}

/** Issues under a label; what the request lacks besides is answered as an error. */
function issue(
  store: TokenStore,
  label: unknown,
  isComplete: boolean,
  show: (id: string, token: string) => unknown,
): ServiceAnswer {
  const issued = typeof label === 'string' && isComplete ? store.issue(account, label) : undefined;
  if (issued === undefined) return { status: 400, json: { message: 'Incomplete, or known already.' } };
  return { status: 201, json: show(issued.id, issued.token) };
}

function revoke(store: TokenStore, id = ''): ServiceAnswer {
  return store.revoke(account, id) ? { status: 204 } : { status: 404 };
}

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

const tenant = 'a-tenant';
const graphApplication = '/v1.0/applications/an-object';

const entra = (store: TokenStore): Routes => {
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

const admin = { token: adminToken };

/** By the name of the ready description. */
export const vendors: Readonly<Record<string, Vendor>> = {
  cloudflare: { routes: cloudflare, admin: { ...admin, policies: [{ effect: 'allow' }] } },
  entra: {
    routes: entra,
    secret: { tenantId: tenant, clientId: account },
    admin: { tenantId: tenant, clientId: 'the-owner', clientSecret: adminToken, objectId: 'an-object' },
    tokenOrigin: 'https://login.microsoftonline.com',
  },
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
