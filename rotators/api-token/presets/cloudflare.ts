import type { ApiDescription } from '../description.ts';

const admin = { scheme: 'bearer', token: '{admin.token}' } as const;

/**
 * Tokens of a user and tokens of an account have the same calls, below different paths.
 *
 * @param owned path of the admin's calls
 * @param verified path of the token's own call
 */
function tokensBelow(
  name: string,
  { owned, verified, source }: { readonly owned: string; readonly verified: string; readonly source: string },
): ApiDescription {
  return {
    name,
    source,
    baseUrl: 'https://api.cloudflare.com',
    lifetimeDays: '{admin.lifetimeDays|365}',
    mint: {
      method: 'POST',
      path: owned,
      json: { name: '{label}', policies: '{admin.policies}', expires_on: '{expiry.time}' },
      auth: admin,
      token: '/result/value',
      id: '/result/id',
      expiresAt: '/result/expires_on',
    },
    verify: {
      method: 'GET',
      path: verified,
      auth: { scheme: 'bearer', token: '{token}' },
      id: '/result/id',
      // The answer to a disabled or expired token is 200 too. The page of verify does not mention "revoked":
      // https://github.com/cloudflare/terraform-provider-cloudflare/pull/7023
      accepted: [{ status: 200, at: '/result/status', is: 'active' }],
      refused: [
        { status: 200, at: '/result/status', is: ['disabled', 'expired', 'revoked'] },
        // 6003, "Invalid request headers": the text does not look like a token. 1000, "Invalid API Token": users have seen it with
        // 400 and with 401.
        { status: 400, at: '/errors/0/code', is: [6003, 1000] },
        401,
        403,
      ],
    },
    revoke: { method: 'DELETE', path: `${owned}/{revoked.id}`, auth: admin },
    list: {
      method: 'GET',
      path: owned,
      query: { per_page: '50' },
      auth: admin,
      items: '/result',
      id: '/id',
      label: '/name',
      next: { by: 'page', parameter: 'page' },
    },
  };
}

/**
 * API tokens of a Cloudflare user. A token that may write API tokens issues them. The list `policies` says what a new token may do.
 * It is in the admin secret, because otherwise the secret's writer could give the token more rights.
 *
 * @see https://developers.cloudflare.com/api/resources/user/subresources/tokens/
 */
export const cloudflare = tokensBelow('cloudflare', {
  owned: '/client/v4/user/tokens',
  verified: '/client/v4/user/tokens/verify',
  source: 'https://developers.cloudflare.com/api/resources/user/subresources/tokens/',
});

/**
 * API tokens that a Cloudflare account owns, and not a user. `accountId` is in both secrets.
 *
 * @see https://developers.cloudflare.com/api/resources/accounts/subresources/tokens/
 */
export const cloudflareAccount = tokensBelow('cloudflare-account', {
  owned: '/client/v4/accounts/{admin.accountId}/tokens',
  verified: '/client/v4/accounts/{secret.accountId}/tokens/verify',
  source: 'https://developers.cloudflare.com/api/resources/accounts/subresources/tokens/',
});
