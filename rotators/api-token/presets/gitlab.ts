import type { ApiDescription, Authentication, VerifyCall } from '../description.ts';

const tokens = '/api/v4/personal_access_tokens';
const own: Authentication = { scheme: 'header', name: 'PRIVATE-TOKEN', value: '{token}' };
const admin: Authentication = { scheme: 'header', name: 'PRIVATE-TOKEN', value: '{admin.token}' };

/** A token of any scope may ask about itself. */
const verify: VerifyCall = {
  method: 'GET',
  path: `${tokens}/self`,
  auth: own,
  id: '/id',
  account: '/user_id',
  // 403: it is accepted and may not do this, which is another error.
  refused: [401],
};

interface Minting {
  readonly name: string;
  readonly source: string;
  /** Below this the admin makes tokens. */
  readonly minted: string;
  /** Below this the admin lists and revokes them. */
  readonly listed: string;
  readonly query?: Readonly<Record<string, string>>;
}

/** Tokens that somebody else makes, one beside the other, with the scopes of the list `scopes` in the admin secret. */
function mintedByAdmin({ name, source, minted, listed, query = {} }: Minting): ApiDescription {
  return {
    name,
    source,
    accountField: 'userId',
    lifetimeDays: '{admin.lifetimeDays|365}',
    mint: {
      method: 'POST',
      path: minted,
      json: { name: '{label}', scopes: '{admin.scopes}', expires_at: '{expiry.date}' },
      auth: admin,
      token: '/token',
      id: '/id',
      expiresAt: '/expires_at',
    },
    verify,
    revoke: { method: 'DELETE', path: `${listed}/{revoked.id}`, auth: admin },
    list: {
      method: 'GET',
      path: listed,
      query: { ...query, state: 'active', per_page: '100' },
      auth: admin,
      items: '',
      id: '/id',
      label: '/name',
      next: { by: 'link' },
    },
  };
}

/**
 * Personal access tokens of a GitLab user (`userId` in the secret), which an administrator makes one beside the other. The
 * admin's token needs the scope `api`. Administrators are there at GitLab Self-Managed and Dedicated alone.
 *
 * @see https://docs.gitlab.com/api/user_tokens/
 */
export const gitLab: ApiDescription = {
  ...mintedByAdmin({
    name: 'gitlab',
    source: 'https://docs.gitlab.com/api/user_tokens/',
    minted: '/api/v4/users/{secret.userId}/personal_access_tokens',
    listed: tokens,
    query: { user_id: '{secret.userId}' },
  }),
  notAt: {
    'gitlab.com':
      'nobody there may make tokens for users. Use api-token/gitlab-service-account or api-token/gitlab-self',
  },
};

const serviceAccount =
  '/api/v4/groups/{admin.groupId}/service_accounts/{secret.userId}/personal_access_tokens';

/**
 * Personal access tokens of a service account of a top-level group (`userId` in the secret), which an Owner of the group
 * makes (`groupId` in the admin secret). Works at gitlab.com. Premium and Ultimate, since GitLab 17.11.
 *
 * @see https://docs.gitlab.com/api/service_accounts/#group-service-accounts
 */
export const gitLabServiceAccount: ApiDescription = {
  ...mintedByAdmin({
    name: 'gitlab-service-account',
    source: 'https://docs.gitlab.com/api/service_accounts/#group-service-accounts',
    minted: serviceAccount,
    listed: serviceAccount,
  }),
  baseUrl: 'https://gitlab.com',
};

/**
 * A personal access token of GitLab that rotates itself, which takes the scope `api` or `self_rotate`. GitLab ends the old
 * one in that same moment: from then until AWSCURRENT moves its readers are refused, and if the answer is lost, so is the
 * token. Where somebody can be had who makes tokens, {@link gitLab} and {@link gitLabServiceAccount} are better.
 *
 * @see https://docs.gitlab.com/api/personal_access_tokens/#self-rotate
 */
export const gitLabSelf: ApiDescription = {
  name: 'gitlab-self',
  source: 'https://docs.gitlab.com/api/personal_access_tokens/#self-rotate',
  baseUrl: 'https://gitlab.com',
  accountField: 'userId',
  lifetimeDays: '{secret.lifetimeDays|365}',
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
