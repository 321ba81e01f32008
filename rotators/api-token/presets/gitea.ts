import type { ApiDescription } from '../description.ts';

const application = '/api/v1/user/applications/oauth2/{admin.applicationId}';
const applicationsOwner = { scheme: 'header', name: 'Authorization', value: 'token {admin.token}' } as const;

const owner = { scheme: 'basic', username: '{admin.username}', password: '{admin.password}' } as const;
const tokens = '/api/v1/users/{admin.username}/tokens';

/**
 * Access tokens of a user of Gitea. The user's `username` and `password` are in the admin secret, because Gitea makes, lists and
 * revokes tokens only with a password. `scopes` are those of the new token. `dedicated`: true says that the account has tokens of
 * this secret alone. Then a token that was made by hand is revoked too.
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
    // A token without the scope read:user works, but may not ask who it is.
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
    dedicated: '{admin.dedicated?}',
    next: { by: 'page', parameter: 'page' },
  },
};

/**
 * The client secret of an OAuth2 application of Gitea. The admin secret has the `applicationId`, and a `token` of the application's
 * owner with the scope `write:user`.
 *
 * A change of the application makes a new client secret, and ends the old one at once. The change also writes the name, the
 * redirect URIs, the kind of client, and whether consent is skipped. So these are read first. If the admin secret names another
 * application than the secret does, nothing is changed.
 *
 * `verify` asks the token endpoint, with a refresh token that does not exist. The endpoint checks the client first
 * (handleRefreshToken in routers/web/auth/oauth2_provider.go).
 *
 * @see https://docs.gitea.com/api/1.24/#tag/user/operation/userUpdateOAuth2Application
 */
export const giteaOAuth: ApiDescription = {
  name: 'gitea-oauth',
  source: 'https://docs.gitea.com/api/1.24/#tag/user/operation/userUpdateOAuth2Application',
  accountField: 'clientId',
  fields: { token: 'clientSecret' },
  overlap: 'none',
  mint: {
    method: 'PATCH',
    path: application,
    json: {
      name: '{kept.name}',
      redirect_uris: '{kept.redirectUris}',
      confidential_client: '{kept.isConfidential}',
      skip_secondary_authorization: '{kept.skipsConsent?}',
    },
    auth: applicationsOwner,
    token: '/client_secret',
    before: [
      {
        method: 'GET',
        path: application,
        auth: applicationsOwner,
        account: '/client_id',
        keep: {
          name: '/name',
          redirectUris: '/redirect_uris',
          isConfidential: '/confidential_client',
          skipsConsent: '/skip_secondary_authorization',
        },
      },
    ],
  },
  verify: {
    method: 'POST',
    path: '/login/oauth/access_token',
    form: { grant_type: 'refresh_token', refresh_token: 'none' },
    auth: { scheme: 'basic', username: '{secret.clientId}', password: '{token}' },
    accepted: [{ status: 400, at: '/error', is: ['unauthorized_client', 'invalid_grant'] }],
    refused: [401, { status: 400, at: '/error', is: 'invalid_client' }],
  },
  checkAdmin: { method: 'GET', path: application, auth: applicationsOwner },
};
