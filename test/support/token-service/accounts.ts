import type { ApiDescription } from '../../../rotators/api-token/index.ts';
import {
  bearerOf,
  type Routes,
  type ServiceAnswer,
  type ServiceRequest,
  type TokenService,
} from './server.ts';
import type { TokenStore } from './store.ts';

/** The token of the service's admin. The admin may do for each account what the account itself may do. */
export const adminToken = 'admin-token-of-the-service';

const refused: ServiceAnswer = { status: 401, json: { error: 'Who are you?' } };
const pageSize = 2;
const lifetimeMs = 90 * 86_400_000;

/** A typical API: users and their tokens. Labels are unique, and lists have pages. */
export function accountRoutes(store: TokenStore): Routes {
  const forUser =
    (answer: (account: string, request: ServiceRequest) => ServiceAnswer) => (request: ServiceRequest) => {
      const [account = ''] = request.parts;
      const bearer = bearerOf(request);
      const isAllowed = bearer === adminToken || store.find(bearer)?.account === account;
      return isAllowed ? answer(account, request) : refused;
    };
  return {
    'GET /me': (request) => {
      const caller = store.find(bearerOf(request));
      if (caller !== undefined) return { status: 200, json: { name: caller.account, token_id: caller.id } };
      return bearerOf(request) === adminToken
        ? { status: 200, json: { name: 'admin', token_id: '0' } }
        : refused;
    },
    'POST /users/([^/]+)/tokens': forUser((account, { body }) => {
      const issued = store.issue(account, String(body.label));
      if (issued === undefined) return { status: 409, json: { error: 'There is a token of that label.' } };
      const expires_at = new Date(Date.now() + lifetimeMs).toISOString();
      return { status: 201, json: { token: issued.token, id: issued.id, expires_at } };
    }),
    'GET /users/([^/]+)/tokens': forUser((account, { query }) => {
      const size = Number(query.get('per_page') ?? pageSize);
      const start = (Number(query.get('page') ?? 1) - 1) * size;
      const tokens = store.list(account).slice(start, start + size);
      return { status: 200, json: { tokens: tokens.map(({ id, label }) => ({ id, label })) } };
    }),
    'DELETE /users/([^/]+)/tokens/([^/]+)': forUser((account, { parts: [, id = ''] }) => ({
      status: store.revoke(account, id) ? 204 : 404,
    })),
  };
}

/** The secret of an account that has a token. */
export function robotSecret({ url, store }: TokenService) {
  const username = 'robot';
  const { token, id: tokenId } = store.issue(username, 'by hand') ?? {};
  return { host: url, username, token, tokenId };
}

/** The description of that API for the rotator. @param by who issues, lists and revokes tokens */
export function accountApi(by: 'token' | 'admin'): ApiDescription {
  const auth = { scheme: 'bearer', token: by === 'token' ? '{token}' : '{admin.token}' } as const;
  const tokens = '/users/{secret.username}/tokens';
  return {
    name: by === 'token' ? 'service' : 'service-admin',
    mint: {
      method: 'POST',
      path: tokens,
      json: { label: '{label}' },
      auth,
      token: '/token',
      id: '/id',
      expiresAt: '/expires_at',
    },
    verify: {
      method: 'GET',
      path: '/me',
      auth: { scheme: 'bearer', token: '{token}' },
      account: '/name',
      ...(by === 'admin' ? { id: '/token_id' } : {}),
    },
    revoke: { method: 'DELETE', path: `${tokens}/{revoked.id}`, auth },
    list: {
      method: 'GET',
      path: tokens,
      auth,
      items: '/tokens',
      id: '/id',
      label: '/label',
      next: { by: 'page', parameter: 'page' },
    },
  };
}
