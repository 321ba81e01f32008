import type { ApiDescription } from '../description.ts';

const owner = { scheme: 'basic', username: '{admin.username}', password: '{admin.password}' } as const;
const tokens = '/-/npm/v1/tokens';

const atNpm =
  'it asks for a one-time password for each new token. Use trusted publishing (https://docs.npmjs.com/trusted-publishers)';

/** Registries that do not have these calls, or that ask for more than a password. */
const notAt: Readonly<Record<string, string>> = {
  'registry.npmjs.org': atNpm,
  'registry.npmjs.com': atNpm,
  // A mirror of npm's registry.
  'registry.yarnpkg.com': atNpm,
  'npm.pkg.github.com':
    "its tokens are GitHub's own, which no API makes. Use api-token/github-app, if the packages allow it",
  'gitlab.com': "its tokens are GitLab's. Use api-token/gitlab-service-account",
  'pkgs.dev.azure.com': "its tokens are Azure DevOps' personal access tokens",
  '*.pkgs.visualstudio.com': "its tokens are Azure DevOps' personal access tokens",
  '*.pkg.dev': "its tokens are Google Cloud's access tokens",
  '*.jfrog.io': "its tokens are Artifactory's own, made by another API",
};

/**
 * Access tokens of an account at a registry with npm's API that asks only for a password, such as Verdaccio 6. The admin secret has
 * the account's `username` and `password`. Verdaccio keeps no names of tokens. `dedicated`: true in the admin secret says that the
 * account has tokens of this secret alone. Then tokens that no version of the secret holds are revoked.
 *
 * @see https://github.com/npm/registry/blob/main/docs/user/authentication.md
 * @see https://github.com/verdaccio/verdaccio/blob/master/packages/api/src/v1/token.ts
 */
export const npm: ApiDescription = {
  name: 'npm',
  source: 'https://github.com/npm/registry/blob/main/docs/user/authentication.md',
  notAt,
  mint: {
    method: 'POST',
    path: tokens,
    json: {
      name: '{label}',
      password: '{admin.password}',
      readonly: '{admin.readonly|false}',
      cidr_whitelist: '{admin.cidr?}',
    },
    auth: owner,
    token: '/token',
    id: '/key',
    expiresAt: '/expiry',
  },
  verify: {
    method: 'GET',
    path: '/-/whoami',
    auth: { scheme: 'bearer', token: '{token}' },
    account: '/username',
    // The answer to a wrong token is 200, without a name.
    accepted: [{ status: 200, at: '/username', exists: true }],
    refused: [{ status: 200, at: '/username', exists: false }, 401, 403],
  },
  revoke: { method: 'DELETE', path: `${tokens}/token/{revoked.id}`, auth: owner },
  list: {
    method: 'GET',
    path: tokens,
    query: { perPage: '100' },
    auth: owner,
    items: '/objects',
    id: '/key',
    dedicated: '{admin.dedicated?}',
    next: { by: 'url', at: '/urls/next' },
  },
};
