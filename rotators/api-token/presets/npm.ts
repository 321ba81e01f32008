import type { ApiDescription } from '../description.ts';

const owner = { scheme: 'basic', username: '{admin.username}', password: '{admin.password}' } as const;
const tokens = '/-/npm/v1/tokens';

/**
 * Access tokens of an account at a registry of npm's style that takes a password alone, such as Verdaccio 6. The admin
 * secret holds the account's `username` and `password`. Verdaccio keeps no name of a token: with `dedicated` true in the
 * admin secret, the account has tokens of this secret alone, and those that no version holds are revoked.
 *
 * @see https://github.com/npm/registry/blob/main/docs/user/authentication.md
 * @see https://github.com/verdaccio/verdaccio/blob/master/packages/api/src/v1/token.ts
 */
export const npm: ApiDescription = {
  name: 'npm',
  source: 'https://github.com/npm/registry/blob/main/docs/user/authentication.md',
  notAt: {
    'registry.npmjs.org':
      'it asks for a one-time password for each new token. Use trusted publishing (https://docs.npmjs.com/trusted-publishers)',
  },
  mint: {
    method: 'POST',
    path: tokens,
    json: {
      name: '{label}',
      password: '{admin.password}',
      readonly: '{admin.readonly|false}',
      cidr_whitelist: '{admin.cidr?}',
    },
    auth: owner,
    token: '/token',
    id: '/key',
    expiresAt: '/expiry',
  },
  verify: {
    method: 'GET',
    path: '/-/whoami',
    auth: { scheme: 'bearer', token: '{token}' },
    account: '/username',
    // A token that is none is answered 200, without a name.
    accepted: [{ status: 200, at: '/username', exists: true }],
    refused: [{ status: 200, at: '/username', exists: false }, 401, 403],
  },
  revoke: { method: 'DELETE', path: `${tokens}/token/{revoked.id}`, auth: owner },
  list: {
    method: 'GET',
    path: tokens,
    query: { perPage: '100' },
    auth: owner,
    items: '/objects',
    id: '/key',
    dedicated: '{admin.dedicated?}',
    next: { by: 'url', at: '/urls/next' },
  },
};
