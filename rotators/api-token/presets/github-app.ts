import type { ApiDescription } from '../description.ts';

const headers = { accept: 'application/vnd.github+json', 'x-github-api-version': '2022-11-28' };
const bearer = { scheme: 'bearer', token: '{token}' } as const;
const app = { scheme: 'jwt', issuer: '{admin.appId}', privateKey: '{admin.privateKey}' } as const;

/**
 * Installation tokens of a GitHub App, whose `appId`, `installationId` and `privateKey` are in the admin secret. Such a
 * token lives an hour and ends by itself. 403 is GitHub's word for a limit too, and so is no refusal.
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
    auth: app,
    token: '/token',
    expiresAt: '/expires_at',
  },
  verify: {
    method: 'GET',
    path: '/installation/repositories',
    query: { per_page: '1' },
    headers,
    auth: bearer,
    refused: [401],
  },
  revoke: { method: 'DELETE', path: '/installation/token', headers, auth: bearer, refused: [401] },
  checkAdmin: { method: 'GET', path: '/app', headers, auth: app, refused: [401] },
};
