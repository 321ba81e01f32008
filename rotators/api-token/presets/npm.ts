import type { ApiDescription } from '../description.ts';

const bearer = { scheme: 'bearer', token: '{admin.token}' } as const;
const tokens = '/-/npm/v1/tokens';

/**
 * Access tokens of an account at npm's registry, or one of its style. The registry wants the account's password with each
 * new token: the admin secret holds `token` and `password`, and `packages`, the list of those that a new token may read.
 *
 * @see https://github.com/npm/cli/blob/latest/lib/commands/token.js
 */
export const npm: ApiDescription = {
  name: 'npm',
  source: 'https://github.com/npm/cli/blob/latest/lib/commands/token.js',
  baseUrl: 'https://registry.npmjs.org',
  lifetimeDays: 90,
  mint: {
    method: 'POST',
    path: tokens,
    json: {
      name: '{label}',
      password: '{admin.password}',
      expires: '{expiry.days}',
      packages: '{admin.packages}',
      packages_and_scopes_permission: '{admin.permission}',
    },
    auth: bearer,
    token: '/token',
    id: '/key',
    expiresAt: '/expires',
  },
  verify: {
    method: 'GET',
    path: '/-/whoami',
    auth: { scheme: 'bearer', token: '{token}' },
    account: '/username',
  },
  revoke: { method: 'DELETE', path: `${tokens}/token/{revoked.id}`, auth: bearer },
  list: {
    method: 'GET',
    path: tokens,
    query: { perPage: '100' },
    auth: bearer,
    items: '/objects',
    id: '/key',
    label: '/name',
    next: { by: 'url', at: '/urls/next' },
  },
};
