import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { type Answering, answersOf } from './documented.ts';
import { entraVendors } from './entra.ts';
import { bearerOf, type Routes, type ServiceAnswer, type ServiceRequest } from './server.ts';
import type { IssuedToken, TokenStore } from './store.ts';
import { account, adminToken, expiry, type Vendor } from './vendor.ts';

/** Who sent a request: the admin, or somebody with a token. */
interface Who {
  readonly tokenOf: (request: ServiceRequest) => unknown;
  readonly answer: Answering;
}

/** Answers only the admin. */
function byAdmin(
  { tokenOf, answer }: Who,
  call: 'mint' | 'revoke' | 'list',
  serve: (request: ServiceRequest) => ServiceAnswer,
) {
  return (request: ServiceRequest) =>
    tokenOf(request) === adminToken ? serve(request) : answer(call, 'refused');
}

/** Answers anybody with a token. */
function byToken(
  store: TokenStore,
  { tokenOf, answer }: Who,
  call: 'mint' | 'verify' | 'revoke',
  serve: (caller: IssuedToken) => ServiceAnswer,
) {
  return (request: ServiceRequest) => {
    const token = String(tokenOf(request));
    const admin = { id: '0', label: 'admin', token, account: '1' };
    const caller = token === adminToken ? admin : store.find(token);
    return caller === undefined ? answer(call, 'refused') : serve(caller);
  };
}

/** Issues a token with a label. An incomplete request, or a label that is in use, is refused as documented. */
function issue(
  store: TokenStore,
  answer: Answering,
  label: unknown,
  isComplete: boolean,
  show: (issued: IssuedToken) => Readonly<Record<string, unknown>>,
): ServiceAnswer {
  const issued = typeof label === 'string' && isComplete ? store.issue(account, label) : undefined;
  return issued === undefined ? answer('mint', 'failed') : answer('mint', 'accepted', show(issued));
}

function revoke(store: TokenStore, answer: Answering, id = ''): ServiceAnswer {
  return answer('revoke', store.revoke(account, id) ? 'accepted' : 'gone');
}

const isDate = (text: unknown): boolean =>
  /^\d{4}-\d\d-\d\d$/.test(String(text)) && Date.parse(String(text)) > Date.now();
const isTime = (text: unknown): boolean =>
  /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(String(text)) && Date.parse(String(text)) > Date.now();

/** A page of a list, with two items. */
function pageOf(store: TokenStore, page: number): IssuedToken[] {
  return store.list(account).slice((page - 1) * 2, page * 2);
}

const privateToken = ({ headers }: ServiceRequest) => headers['private-token'];
const gitLabTokens = '/api/v4/personal_access_tokens';
/** A year from now at most: https://docs.gitlab.com/user/profile/personal_access_tokens/#access-token-expiration */
const isWithinAYear = (date: unknown): boolean =>
  isDate(date) && Date.parse(String(date)) <= Date.now() + 366 * 86_400_000;

/** @param minted the path for making tokens @param listed the path for listing and revoking them */
const gitLabOf =
  (name: string, minted: string, listed: string) =>
  (store: TokenStore): Routes => {
    const answer = answersOf(name);
    const who = { tokenOf: privateToken, answer };
    return {
      [`GET ${gitLabTokens}/self`]: byToken(store, who, 'verify', ({ id, label }) =>
        answer('verify', 'accepted', { id, name: label, user_id: Number(account) }),
      ),
      [`POST ${minted}`]: byAdmin(who, 'mint', ({ body }) => {
        const { scopes, expires_at, name: label } = body;
        const isComplete = Array.isArray(scopes) && scopes.length > 0 && isWithinAYear(expires_at);
        return issue(store, answer, label, isComplete, ({ id, token }) => ({
          id,
          token,
          expires_at,
          name: label,
        }));
      }),
      [`GET ${listed}`]: byAdmin(who, 'list', ({ query }) => {
        const page = Number(query.get('page') ?? 1);
        const isAsked = query.get('state') === 'active' && (query.get('user_id') ?? account) === account;
        const isLast = store.list(account).length <= page * 2;
        const next = `<https://gitlab${listed}?page=${page + 1}&state=active&user_id=42>; rel="next", `;
        const json = isAsked ? pageOf(store, page).map(({ id, label }) => ({ id, name: label })) : [];
        const link = `${isLast ? '' : next}<https://gitlab/first>; rel="first"`;
        return { ...answer('list', 'accepted', json), headers: { link } };
      }),
      [`DELETE ${listed}/([^/]+)`]: byAdmin(who, 'revoke', ({ parts: [id] }) => revoke(store, answer, id)),
    };
  };

const gitLab = gitLabOf('gitlab', `/api/v4/users/${account}/personal_access_tokens`, gitLabTokens);
const serviceAccount = `/api/v4/groups/a%2Fgroup/service_accounts/${account}/personal_access_tokens`;
const gitLabServiceAccount = gitLabOf('gitlab-service-account', serviceAccount, serviceAccount);

/**
 * A token that rotates itself. If a client rotates with a token that was rotated already, it gets no token, and the newest
 * token of the family is revoked too (https://docs.gitlab.com/api/personal_access_tokens/#automatic-reuse-detection, seen
 * by users: https://gitlab.com/gitlab-org/gitlab/-/issues/524639, read on 2026-11-26). Other calls with such a token revoke
 * nothing.
 *
 * @param reused counts how often that happened
 */
export const gitLabSelfWith =
  (reused = { count: 0 }) =>
  (store: TokenStore): Routes => {
    const answer = answersOf('gitlab-self');
    const rotated = new Set<string>();
    return {
      ...gitLab(store),
      [`POST ${gitLabTokens}/self/rotate`]: (request) => {
        const shown = String(privateToken(request));
        if (rotated.has(shown)) {
          reused.count += 1;
          for (const { id } of store.list(account)) store.revoke(account, id);
        }
        return byToken(store, { tokenOf: privateToken, answer }, 'mint', ({ id, label }) => {
          const { expires_at } = request.body;
          if (!isWithinAYear(expires_at)) return answer('mint', 'failed');
          rotated.add(shown);
          store.revoke(account, id);
          return issue(store, answer, label, true, ({ id: newId, token }) => ({
            id: newId,
            token,
            expires_at,
          }));
        })(request);
      },
    };
  };

const grafanaTokens = `/api/serviceaccounts/${account}/tokens`;

/** @param mostSeconds the longest lifetime of a token, a setting of the server */
export const grafanaWith =
  (mostSeconds: number) =>
  (store: TokenStore): Routes => {
    const answer = answersOf('grafana');
    const who = { tokenOf: bearerOf, answer };
    return {
      'GET /api/org': byToken(store, who, 'verify', () => answer('verify', 'accepted', undefined, 403)),
      [`POST ${grafanaTokens}`]: byAdmin(who, 'mint', ({ body: { name, secondsToLive } }) => {
        const isComplete = typeof secondsToLive === 'number' && secondsToLive <= mostSeconds;
        return issue(store, answer, name, isComplete, ({ id, token: key }) => ({ id, name, key }));
      }),
      [`GET ${grafanaTokens}`]: byAdmin(who, 'list', () =>
        answer(
          'list',
          'accepted',
          store.list(account).map(({ id, label: name }) => ({ id, name })),
        ),
      ),
      [`DELETE ${grafanaTokens}/([^/]+)`]: byAdmin(who, 'revoke', ({ parts: [id] }) =>
        revoke(store, answer, id),
      ),
    };
  };

/** @param owned the path of the admin's calls @param dead the status of listed tokens that don't work, by id */
export const cloudflareAt =
  (preset: string, owned: string, dead: ReadonlyMap<string, string> = new Map()) =>
  (store: TokenStore): Routes => {
    const answer = answersOf(preset);
    const who = { tokenOf: bearerOf, answer };
    return {
      [`GET ${owned}/verify`]: byToken(store, who, 'verify', ({ id }) =>
        answer('verify', 'accepted', { id, status: dead.get(id) ?? 'active' }),
      ),
      [`POST ${owned}`]: byAdmin(who, 'mint', ({ body: { name, policies, expires_on } }) => {
        const isComplete = Array.isArray(policies) && policies.length > 0 && isTime(expires_on);
        return issue(store, answer, name, isComplete, ({ id, token: value }) => ({
          id,
          name,
          value,
          expires_on,
        }));
      }),
      [`GET ${owned}`]: byAdmin(who, 'list', ({ query }) => {
        const result = pageOf(store, Number(query.get('page') ?? 1)).map(({ id, label: name }) => ({
          id,
          name,
        }));
        return answer('list', 'accepted', { result });
      }),
      [`DELETE ${owned}/([^/]+)`]: byAdmin(who, 'revoke', ({ parts: [id] }) => revoke(store, answer, id)),
    };
  };

/** The admin's password, from Basic authentication. */
const basicOf = ({ headers }: ServiceRequest): string | undefined => {
  const [, encoded = ''] = /^Basic (.+)$/.exec(headers.authorization ?? '') ?? [];
  const [username, ...password] = Buffer.from(encoded, 'base64').toString().split(':');
  return username === account ? password.join(':') : undefined;
};

const npmTokens = '/-/npm/v1/tokens';

const npm = (store: TokenStore): Routes => {
  const answer = answersOf('npm');
  const who = { tokenOf: basicOf, answer };
  return {
    // An unknown token is answered with 200, without a name.
    'GET /-/whoami': (request) => {
      const caller = store.find(bearerOf(request));
      return caller === undefined
        ? answer('verify', 'refused', undefined, 200)
        : answer('verify', 'accepted', { username: caller.account });
    },
    [`POST ${npmTokens}`]: byAdmin(who, 'mint', ({ body }) => {
      if (body.password !== adminToken) return answer('mint', 'refused');
      const isComplete = typeof body.readonly === 'boolean';
      // Names are not kept, so two tokens may have the same name.
      return issue(store, answer, crypto.randomUUID(), isComplete, ({ id: key, token }) => ({ key, token }));
    }),
    [`GET ${npmTokens}`]: byAdmin(who, 'list', ({ query }) => {
      const start = Number(query.get('start') ?? 0);
      const objects = store
        .list(account)
        .slice(start, start + 2)
        .map(({ id: key }) => ({ key }));
      const isLast = start + 2 >= store.list(account).length;
      const urls = { next: isLast ? '' : `${npmTokens}?start=${start + 2}` };
      return answer('list', 'accepted', { objects, urls });
    }),
    [`DELETE ${npmTokens}/token/([^/]+)`]: byAdmin(who, 'revoke', ({ parts: [id = ''] }) =>
      answer('revoke', store.revoke(account, id) ? 'accepted' : 'failed'),
    ),
  };
};

const giteaTokens = `/api/v1/users/${account}/tokens`;

const gitea = (store: TokenStore): Routes => {
  const answer = answersOf('gitea');
  const who = { tokenOf: basicOf, answer };
  return {
    'GET /api/v1/user': (request) => {
      const [, token] = /^token (.+)$/.exec(request.headers.authorization ?? '') ?? [];
      // Its scopes leave out read:user.
      return store.find(token) === undefined
        ? answer('verify', 'refused')
        : answer('verify', 'accepted', undefined, 403);
    },
    [`POST ${giteaTokens}`]: byAdmin(who, 'mint', ({ body: { name, scopes } }) =>
      issue(store, answer, name, Array.isArray(scopes) && scopes.length > 0, ({ id, token }) => ({
        id,
        name,
        sha1: token,
      })),
    ),
    [`GET ${giteaTokens}`]: byAdmin(who, 'list', ({ query }) =>
      answer(
        'list',
        'accepted',
        pageOf(store, Number(query.get('page') ?? 1)).map(({ id, label: name }) => ({ id, name, sha1: '' })),
      ),
    ),
    [`DELETE ${giteaTokens}/([^/]+)`]: byAdmin(who, 'revoke', ({ parts: [id] }) => revoke(store, answer, id)),
  };
};

const giteaApplication = '/api/v1/user/applications/oauth2/7';

/**
 * @param kept the application's other members, which a change must not lose
 * @param clientId the application's own
 */
export const giteaOAuthWith =
  (kept: Record<string, unknown>, clientId = () => account) =>
  (store: TokenStore): Routes => {
    const answer = answersOf('gitea-oauth');
    const isOwner = ({ headers }: ServiceRequest): boolean => headers.authorization === `token ${adminToken}`;
    const shown = () => ({ ...kept, client_id: clientId() });
    return {
      [`GET ${giteaApplication}`]: (request) =>
        isOwner(request) ? answer('checkAdmin', 'accepted', shown()) : answer('checkAdmin', 'refused'),
      [`PATCH ${giteaApplication}`]: (request) => {
        if (!isOwner(request)) return answer('mint', 'refused');
        const {
          name,
          redirect_uris,
          confidential_client,
          skip_secondary_authorization = false,
        } = request.body;
        if (typeof name !== 'string' || name === '') return answer('mint', 'failed', undefined, 422);
        Object.assign(kept, { name, redirect_uris, confidential_client });
        if ('skip_secondary_authorization' in kept) Object.assign(kept, { skip_secondary_authorization });
        for (const { id } of store.list(account)) store.revoke(account, id);
        const client_secret = store.issue(account, 'the only one')?.token;
        return answer('mint', 'accepted', { ...shown(), client_secret });
      },
      'POST /login/oauth/access_token': (request) => {
        const secret = String(basicOf(request));
        return answer('verify', store.find(secret) === undefined ? 'refused' : 'accepted');
      },
    };
  };

const appKey = generateKeyPairSync('rsa', { modulusLength: 2048 });

/** Whether a request has the app's own token, as GitHub checks it: signature, issuer, and at most ten minutes. */
function isApp(request: ServiceRequest, clockAheadMs: number): boolean {
  const [head = '', claims = '', signature = ''] = (bearerOf(request) ?? '').split('.');
  if (signature === '') return false;
  const key = createPublicKey(appKey.publicKey.export({ type: 'spki', format: 'pem' }));
  const { iss, iat, exp } = JSON.parse(Buffer.from(claims, 'base64url').toString());
  const now = (Date.now() + clockAheadMs) / 1000;
  const isSigned = verify(
    'RSA-SHA256',
    Buffer.from(`${head}.${claims}`),
    key,
    Buffer.from(signature, 'base64url'),
  );
  return isSigned && iss === '77' && iat <= now && exp > now && exp - iat <= 600;
}

/** @param clockAheadMs how far the server's clock is ahead. `granted`: the permissions of the last token */
export const gitHubWith =
  (clockAheadMs: number, granted: Record<string, unknown> = {}) =>
  (store: TokenStore): Routes => {
    const answer = answersOf('github-app');
    const date = (): string => new Date(Date.now() + clockAheadMs).toUTCString();
    const refused = (call: 'mint' | 'checkAdmin'): ServiceAnswer => ({
      ...answer(call, 'refused'),
      headers: { date: date() },
    });
    const who = { tokenOf: bearerOf, answer };
    return {
      'GET /app': (request) =>
        isApp(request, clockAheadMs) ? answer('checkAdmin', 'accepted') : refused('checkAdmin'),
      [`POST /app/installations/${account}/access_tokens`]: (request) => {
        if (!isApp(request, clockAheadMs)) return refused('mint');
        const { repositories, repository_ids, permissions } = request.body;
        Object.assign(granted, { repositories, repository_ids, permissions });
        const isComplete =
          (repositories === undefined || Array.isArray(repositories)) && !Array.isArray(permissions);
        return issue(store, answer, crypto.randomUUID(), isComplete, ({ token }) => ({
          token,
          expires_at: expiry,
        }));
      },
      'GET /installation/repositories': byToken(store, who, 'verify', () => answer('verify', 'accepted')),
      'DELETE /installation/token': byToken(store, who, 'revoke', ({ id }) => {
        store.revoke(account, id);
        return answer('revoke', 'accepted');
      }),
    };
  };

const admin = { token: adminToken };

/** The vendors, by the name of the preset. */
export const vendors: Readonly<Record<string, Vendor>> = {
  cloudflare: {
    routes: cloudflareAt('cloudflare', '/client/v4/user/tokens'),
    admin: { ...admin, policies: [{ effect: 'allow' }] },
  },
  'cloudflare-account': {
    routes: cloudflareAt('cloudflare-account', '/client/v4/accounts/an-account/tokens'),
    secret: { accountId: 'an-account' },
    admin: { ...admin, accountId: 'an-account', policies: [{ effect: 'allow' }] },
  },
  ...entraVendors,
  gitea: {
    routes: gitea,
    secret: { username: account },
    admin: { username: account, password: adminToken, scopes: ['read:repository'] },
  },
  'gitea-oauth': {
    routes: giteaOAuthWith({
      name: 'reports',
      redirect_uris: ['https://a.example/cb'],
      confidential_client: true,
    }),
    secret: { clientId: account },
    admin: { token: adminToken, applicationId: 7 },
  },
  'github-app': {
    routes: gitHubWith(0),
    admin: {
      appId: 77,
      installationId: Number(account),
      privateKey: appKey.privateKey.export({ type: 'pkcs1', format: 'pem' }),
    },
  },
  gitlab: { routes: gitLab, secret: { userId: Number(account) }, admin: { ...admin, scopes: ['read_api'] } },
  'gitlab-service-account': {
    routes: gitLabServiceAccount,
    secret: { userId: Number(account) },
    admin: { ...admin, groupId: 'a/group', scopes: ['read_api'] },
  },
  'gitlab-self': { routes: gitLabSelfWith(), secret: { userId: Number(account) } },
  grafana: {
    routes: grafanaWith(366 * 86_400),
    admin: { ...admin, serviceAccountId: Number(account) },
  },
  npm: {
    routes: npm,
    secret: { username: account },
    admin: { username: account, password: adminToken, dedicated: true },
  },
};
