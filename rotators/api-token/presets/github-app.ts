import type { ApiDescription, Outcome } from '../description.ts';

const headers = { accept: 'application/vnd.github+json', 'x-github-api-version': '2022-11-28' };
const bearer = { scheme: 'bearer', token: '{token}' } as const;
const app = { scheme: 'jwt', issuer: '{admin.appId}', privateKey: '{admin.privateKey}' } as const;

/** GitHub also answers 403 when a limit is reached. @see https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api */
const throttled: Outcome = [
  429,
  { status: 403, header: 'retry-after', exists: true },
  { status: 403, header: 'x-ratelimit-remaining', is: '0' },
  // "API rate limit exceeded", "You have exceeded a secondary rate limit". Older servers call the second "abuse detection".
  { status: 403, at: '/message', contains: 'rate limit' },
  { status: 403, at: '/message', contains: 'abuse detection' },
];

/**
 * Installation tokens of a GitHub App. The admin secret has `appId`, `installationId` and `privateKey`. Its lists `repositories` and
 * `repositoryIds` and its object `permissions` narrow what a token may do. A token ends by itself after an hour.
 *
 * @see https://docs.github.com/en/rest/apps/apps#create-an-installation-access-token-for-an-app
 */
export const gitHubApp: ApiDescription = {
  name: 'github-app',
  source: 'https://docs.github.com/en/rest/apps/apps#create-an-installation-access-token-for-an-app',
  baseUrl: 'https://api.github.com',
  mint: {
    method: 'POST',
    path: '/app/installations/{admin.installationId}/access_tokens',
    headers,
    json: {
      repositories: '{admin.repositories?}',
      repository_ids: '{admin.repositoryIds?}',
      permissions: '{admin.permissions?}',
    },
    auth: app,
    token: '/token',
    expiresAt: '/expires_at',
    // 403: the installation is suspended, or the app lacks a permission.
    refused: [401, 403],
    throttled,
  },
  verify: {
    method: 'GET',
    path: '/installation/repositories',
    query: { per_page: '1' },
    headers,
    auth: bearer,
    refused: [401],
    throttled,
  },
  revoke: { method: 'DELETE', path: '/installation/token', headers, auth: bearer, refused: [401], throttled },
  checkAdmin: { method: 'GET', path: '/app', headers, auth: app, refused: [401], throttled },
};
