import type { ApiDescription } from '../description.ts';

const admin = { scheme: 'bearer', token: '{admin.token}' } as const;

/**
 * Cloudflare's tokens of a user and those of an account have the same calls below another path.
 *
 * @param owned where the admin's calls are
 * @param verified where the token's own call is
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
      // Also a token that is disabled or has expired is answered 200. "revoked" is not on the page of verify:
      // https://github.com/cloudflare/terraform-provider-cloudflare/pull/7023
      accepted: [{ status: 200, at: '/result/status', is: 'active' }],
      refused: [
        { status: 200, at: '/result/status', is: ['disabled', 'expired', 'revoked'] },
        // "Invalid request headers": the text is no token in form. "Invalid API Token": users have seen it with 400 and with 401.
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
 * API tokens of a Cloudflare user, which a token makes that may write API tokens. What a new one may do is said by the
 * list `policies` in the admin secret: whoever may write the secret could else give himself more.
 *
 * @see https://developers.cloudflare.com/api/resources/user/subresources/tokens/
 */
export const cloudflare = tokensBelow('cloudflare', {
  owned: '/client/v4/user/tokens',
  verified: '/client/v4/user/tokens/verify',
  source: 'https://developers.cloudflare.com/api/resources/user/subresources/tokens/',
});

/**
 * API tokens that a Cloudflare account owns, and no user: `accountId` is in both secrets.
 *
 * @see https://developers.cloudflare.com/api/resources/accounts/subresources/tokens/
 */
export const cloudflareAccount = tokensBelow('cloudflare-account', {
  owned: '/client/v4/accounts/{admin.accountId}/tokens',
  verified: '/client/v4/accounts/{secret.accountId}/tokens/verify',
  source: 'https://developers.cloudflare.com/api/resources/accounts/subresources/tokens/',
});
