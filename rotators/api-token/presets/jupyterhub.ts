import type { ApiDescription } from '../description.ts';

const bearer = { scheme: 'bearer', token: '{token}' } as const;
const tokens = '/hub/api/users/{secret.username}/tokens';

/**
 * Tokens of a JupyterHub user. Each token issues the next one, which may do everything that the user may do. It needs JupyterHub 5:
 * in older versions a token can't ask for its own id (`token_id` of RequestIdentity).
 *
 * @see https://jupyterhub.readthedocs.io/en/stable/reference/rest-api.html
 */
export const jupyterHub: ApiDescription = {
  name: 'jupyterhub',
  source: 'https://jupyterhub.readthedocs.io/en/stable/reference/rest-api.html',
  lifetimeDays: '{secret.lifetimeDays|365}',
  mint: {
    method: 'POST',
    path: tokens,
    json: { note: '{label}', expires_in: '{expiry.seconds}' },
    auth: bearer,
    token: '/token',
    id: '/id',
    expiresAt: '/expires_at',
  },
  verify: { method: 'GET', path: '/hub/api/user', auth: bearer, id: '/token_id', account: '/name' },
  revoke: { method: 'DELETE', path: `${tokens}/{revoked.id}`, auth: bearer },
  list: { method: 'GET', path: tokens, auth: bearer, items: '/api_tokens', id: '/id', label: '/note' },
};
