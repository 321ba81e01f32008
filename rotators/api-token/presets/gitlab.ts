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
  // Not 403: that token works, and may not make this call. It is another error.
  refused: [401],
};

interface Minting {
  readonly name: string;
  readonly source: string;
  /** Path where the admin makes tokens. */
  readonly minted: string;
  /** Path where the admin lists tokens, and below which it revokes them. */
  readonly listed: string;
  readonly query?: Readonly<Record<string, string>>;
}

/** Tokens that an admin makes, with the scopes of the list `scopes` in the admin secret. The old token goes on working. */
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
 * Personal access tokens of a GitLab user (`userId` in the secret). An administrator makes them. The administrator's token needs
 * the scope `api`. Only GitLab Self-Managed and GitLab Dedicated have administrators.
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
 * Personal access tokens of a service account of a top-level group (`userId` in the secret). An Owner of the group makes them
 * (`groupId` in the admin secret). Works at gitlab.com. Premium and Ultimate, since GitLab 17.11.
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
 * A personal access token of GitLab that rotates itself. It needs the scope `api` or `self_rotate`. GitLab ends the old token at
 * that moment. From then until AWSCURRENT moves, readers are refused. If the answer is lost, the new token is lost. Use
 * {@link gitLab} or {@link gitLabServiceAccount} if somebody else can make the tokens.
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
