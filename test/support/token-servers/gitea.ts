import { randomUUID } from 'node:crypto';
import { gitea } from '../../../rotators/api-token/presets/gitea.ts';
import { askAs, basicOf, idsOf, textOf } from './process.ts';
import type { TokenServer } from './server.ts';

/** A Gitea that runs somewhere. @param place its URL, with the username and the password of an administrator */
export function connectToGitea(place: string): TokenServer {
  const { origin, pathname, username: root, password: rootPassword } = new URL(place);
  const url = `${origin}${pathname}`.replace(/\/$/, '');
  const asRoot = basicOf(decodeURIComponent(root), decodeURIComponent(rootPassword));
  return {
    description: gitea,
    stop: async () => undefined,
    newAccount: async () => {
      const [username, password] = [`robot-${randomUUID()}`, `Pass-${randomUUID()}`];
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
        admin: { host: url, username, password, scopes },
        live: async () => idsOf(await askAs(authorization, 'GET', tokens), 'id'),
      };
    },
  };
}
