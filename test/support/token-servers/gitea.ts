import { randomUUID } from 'node:crypto';
import { gitea } from '../../../rotators/api-token/presets/gitea.ts';
import { findGitea } from './gitea-process.ts';
import { askAs, basicOf, idsOf, textOf } from './process.ts';
import type { TokenServer } from './server.ts';

/** Tokens of users of a real Gitea. */
export async function startGiteaTokens(): Promise<TokenServer> {
  const { place, stop } = await findGitea();
  const { origin, pathname, username: root, password: rootPassword } = new URL(place);
  const url = `${origin}${pathname}`.replace(/\/$/, '');
  const asRoot = basicOf(decodeURIComponent(root), decodeURIComponent(rootPassword));
  return {
    description: gitea,
    stop,
    newAccount: async () => {
      // In Gitea, a name has at most 40 characters.
      const [username, password] = [`robot-${randomUUID().slice(0, 18)}`, `Pass-${randomUUID()}`];
      const email = `${username}@example.com`;
      await askAs(asRoot, 'POST', `${url}/api/v1/admin/users`, {
        username,
        password,
        email,
        must_change_password: false,
      });
      const [authorization, tokens] = [basicOf(username, password), `${url}/api/v1/users/${username}/tokens`];
      const scopes = ['read:repository'];
      const made = await askAs(authorization, 'POST', tokens, { name: 'by hand', scopes });
      return {
        secret: { host: url, username, token: textOf(made, 'sha1'), tokenId: textOf(made, 'id') },
        admin: { host: url, username, password, scopes, dedicated: true },
        live: async () => idsOf(await askAs(authorization, 'GET', tokens), 'id'),
      };
    },
  };
}
