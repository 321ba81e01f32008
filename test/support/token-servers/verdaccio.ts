import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { npm } from '../../../rotators/api-token/presets/npm.ts';
import { closedPort } from '../closed-port.ts';
import { compileCache } from '../compile-cache.ts';
import { askAs, basicOf, idsOf, startServerProcess, textOf } from './process.ts';
import type { TokenServer } from './server.ts';

/** Verdaccio, a registry of npm's style. @param program its script `bin/verdaccio` */
export async function startVerdaccio(program: string): Promise<TokenServer> {
  const address = `127.0.0.1:${await closedPort()}`;
  const url = `http://${address}`;
  const { stop } = await startServerProcess('verdaccio', `${url}/-/ping`, async (folder) => {
    const config = [
      'storage: ./storage',
      'auth: { htpasswd: { file: ./htpasswd, algorithm: bcrypt, rounds: 4 } }',
      // By default, it accepts only a hundred logins in some minutes.
      'userRateLimit: { windowMs: 1000, max: 100000 }',
      'uplinks: {}',
      "packages: { '**': { access: $authenticated, publish: $authenticated } }",
      'log: { type: stdout, format: json, level: error }',
    ];
    const file = join(folder, 'config.yaml');
    await writeFile(file, config.join('\n'));
    return {
      program: process.execPath,
      args: [program, '--config', file, '--listen', address],
      env: { ...compileCache },
    };
  });
  return {
    description: npm,
    stop,
    newAccount: async () => {
      const [username, password] = [`robot-${randomUUID()}`, randomUUID()];
      const authorization = basicOf(username, password);
      const user = `${url}/-/user/org.couchdb.user:${username}`;
      await askAs('', 'PUT', user, { name: username, password });
      const tokens = `${url}/-/npm/v1/tokens`;
      const made = await askAs(authorization, 'POST', tokens, {
        password,
        readonly: false,
        cidr_whitelist: [],
      });
      return {
        secret: { host: url, username, token: textOf(made, 'token'), tokenId: textOf(made, 'key') },
        admin: { host: url, username, password, dedicated: true },
        live: async () =>
          idsOf(Reflect.get(Object(await askAs(authorization, 'GET', tokens)), 'objects'), 'key'),
      };
    },
  };
}
