import type { ApiDescription, Authentication, VerifyCall } from '../description.ts';

const tokens = '/api/v4/personal_access_tokens';
const own: Authentication = { scheme: 'header', name: 'PRIVATE-TOKEN', value: '{token}' };
const admin: Authentication = { scheme: 'header', name: 'PRIVATE-TOKEN', value: '{admin.token}' };

const verify: VerifyCall = {
  method: 'GET',
  path: `${tokens}/self`,
  auth: own,
  id: '/id',
  account: '/user_id',
  // 403: it is accepted and may not do this, which is another error.
  refused: [401],
};

/**
 * Personal access tokens of a GitLab user (`userId` in the secret), which an administrator makes one beside the other.
 * The scopes are those that the admin secret names in its list `scopes`.
 *
 * @see https://docs.gitlab.com/api/user_tokens/
 */
export const gitLab: ApiDescription = {
  name: 'gitlab',
  source: 'https://docs.gitlab.com/api/user_tokens/',
  baseUrl: 'https://gitlab.com',
  accountField: 'userId',
  lifetimeDays: 365,
  mint: {
    method: 'POST',
    path: '/api/v4/users/{secret.userId}/personal_access_tokens',
    json: { name: '{label}', scopes: '{admin.scopes}', expires_at: '{expiry.date}' },
    auth: admin,
    token: '/token',
    id: '/id',
    expiresAt: '/expires_at',
  },
  verify,
  revoke: { method: 'DELETE', path: `${tokens}/{revoked.id}`, auth: admin },
  list: {
    method: 'GET',
    path: tokens,
    query: { user_id: '{secret.userId}', state: 'active', per_page: '100' },
    auth: admin,
    items: '',
    id: '/id',
    label: '/name',
    next: { by: 'link' },
  },
};

/**
 * A GitLab token of any kind that rotates itself. GitLab ends the old one in that same moment: from then until
 * AWSCURRENT moves its readers are refused, and if the answer is lost, so is the token. Where an administrator can be
 * had, {@link gitLab} is better.
 *
 * @see https://docs.gitlab.com/api/personal_access_tokens/#rotate-a-personal-access-token
 */
export const gitLabSelf: ApiDescription = {
  name: 'gitlab-self',
  source: 'https://docs.gitlab.com/api/personal_access_tokens/#rotate-a-personal-access-token',
  baseUrl: 'https://gitlab.com',
  accountField: 'userId',
  lifetimeDays: 365,
  overlap: 'none',
  mint: {
    method: 'POST',
    path: `${tokens}/self/rotate`,
    json: { expires_at: '{expiry.date}' },
    auth: own,
    token: '/token',
    id: '/id',
    expiresAt: '/expires_at',
  },
  verify,
};
