import type { ApiDescription } from '../description.ts';

const admin = { scheme: 'bearer', token: '{admin.token}' } as const;
const tokens = '/api/serviceaccounts/{admin.serviceAccountId}/tokens';

/**
 * Tokens of a Grafana service account. Another service account, which may write service accounts, makes them. The admin secret has
 * its `token`, and the `serviceAccountId` of the account that the tokens are for. If Grafana limits how long tokens live, it
 * refuses a longer life: set a shorter `lifetimeDays` in the admin secret.
 *
 * @see https://grafana.com/docs/grafana/latest/developers/http_api/serviceaccount/
 */
export const grafana: ApiDescription = {
  name: 'grafana',
  source: 'https://grafana.com/docs/grafana/latest/developers/http_api/serviceaccount/',
  lifetimeDays: '{admin.lifetimeDays|365}',
  mint: {
    method: 'POST',
    path: tokens,
    json: { name: '{label}', secondsToLive: '{expiry.seconds}' },
    auth: admin,
    token: '/key',
    id: '/id',
    // The answer doesn't say when the token expires.
    expiresAt: '{expiry.time}',
  },
  verify: {
    method: 'GET',
    path: '/api/org',
    auth: { scheme: 'bearer', token: '{token}' },
    // 403: the token works, but its account has no role that may read this.
    accepted: [200, 403],
    refused: [401],
  },
  revoke: { method: 'DELETE', path: `${tokens}/{revoked.id}`, auth: admin },
  list: { method: 'GET', path: tokens, auth: admin, items: '', id: '/id', label: '/name' },
};
