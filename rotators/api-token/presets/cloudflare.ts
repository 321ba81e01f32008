import type { ApiDescription } from '../description.ts';

const admin = { scheme: 'bearer', token: '{admin.token}' } as const;
const tokens = '/client/v4/user/tokens';

/**
 * API tokens of a Cloudflare user, which a token makes that may write API tokens. What a new one may do is said by the
 * list `policies` in the admin secret: whoever may write the secret could else give himself more.
 *
 * @see https://developers.cloudflare.com/api/resources/user/subresources/tokens/
 */
export const cloudflare: ApiDescription = {
  name: 'cloudflare',
  source: 'https://developers.cloudflare.com/api/resources/user/subresources/tokens/',
  baseUrl: 'https://api.cloudflare.com',
  lifetimeDays: 365,
  mint: {
    method: 'POST',
    path: tokens,
    json: { name: '{label}', policies: '{admin.policies}', expires_on: '{expiry.time}' },
    auth: admin,
    token: '/result/value',
    id: '/result/id',
    expiresAt: '/result/expires_on',
  },
  verify: {
    method: 'GET',
    path: `${tokens}/verify`,
    auth: { scheme: 'bearer', token: '{token}' },
    id: '/result/id',
    // 400 is for a token of a form that was never one.
    refused: [400, 401, 403],
  },
  revoke: { method: 'DELETE', path: `${tokens}/{revoked.id}`, auth: admin },
  list: {
    method: 'GET',
    path: tokens,
    query: { per_page: '50' },
    auth: admin,
    items: '/result',
    id: '/id',
    label: '/name',
    next: { by: 'page', parameter: 'page' },
  },
};
