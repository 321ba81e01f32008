import type { ApiDescription } from '../description.ts';

const owner = { scheme: 'basic', username: '{admin.username}', password: '{admin.password}' } as const;
const tokens = '/api/v1/users/{admin.username}/tokens';

/**
 * Access tokens of a user of Gitea, whose `username` and `password` are in the admin secret: Gitea makes, lists and revokes
 * tokens for nothing but a password. `scopes` are those of the new token.
 *
 * @see https://docs.gitea.com/development/api-usage
 */
export const gitea: ApiDescription = {
  name: 'gitea',
  source: 'https://docs.gitea.com/development/api-usage',
  mint: {
    method: 'POST',
    path: tokens,
    json: { name: '{label}', scopes: '{admin.scopes}' },
    auth: owner,
    token: '/sha1',
    id: '/id',
  },
  verify: {
    method: 'GET',
    path: '/api/v1/user',
    auth: { scheme: 'header', name: 'Authorization', value: 'token {token}' },
    // A token without the scope read:user is known and may not ask who it is.
    accepted: [200, { status: 403, at: '/message', contains: 'required scope' }],
    refused: [401],
  },
  revoke: { method: 'DELETE', path: `${tokens}/{revoked.id}`, auth: owner },
  list: {
    method: 'GET',
    path: tokens,
    query: { limit: '50' },
    auth: owner,
    items: '',
    id: '/id',
    label: '/name',
    next: { by: 'page', parameter: 'page' },
  },
};
