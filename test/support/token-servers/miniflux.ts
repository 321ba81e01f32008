import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { ApiDescription } from '../../../rotators/api-token/index.ts';
import { closedPort } from '../closed-port.ts';
import { startPostgres } from '../postgres-server.ts';
import { askAs, basicOf, idsOf, startServerProcess, textOf } from './process.ts';
import type { TokenServer } from './server.ts';

/** A Miniflux of this machine. */
export interface MinifluxServer extends TokenServer {
  readonly url: string;
  newUser(): Promise<{ readonly username: string; readonly password: string }>;
}

/** Miniflux, by the description of docs/api-token-describe.md, on a Postgres of its own. @param program its binary */
export async function startMiniflux(program: string): Promise<MinifluxServer> {
  const file = new URL('../../../examples/miniflux.json', import.meta.url);
  const [description]: ApiDescription[] = JSON.parse(await readFile(file, 'utf8'));
  if (description === undefined) throw new Error('The example describes nothing.');
  const postgres = await startPostgres({ tls: false });
  const address = `127.0.0.1:${await closedPort()}`;
  const url = `http://${address}`;
  const [root, password] = ['root', randomUUID()];
  const { host, port, admin } = postgres;
  const { stop } = await startServerProcess('miniflux', `${url}/healthcheck`, async () => ({
    program,
    args: [],
    env: {
      DATABASE_URL: `postgres://${admin.username}:${encodeURIComponent(admin.password)}@${host}:${port}/postgres?sslmode=disable`,
      RUN_MIGRATIONS: '1',
      CREATE_ADMIN: '1',
      ADMIN_USERNAME: root,
      ADMIN_PASSWORD: password,
      LISTEN_ADDR: address,
      DISABLE_SCHEDULER_SERVICE: '1',
    },
  }));
  const newUser = async () => {
    const [username, own] = [`robot-${randomUUID()}`, randomUUID()];
    const users = `${url}/v1/users`;
    await askAs(basicOf(root, password), 'POST', users, { username, password: own, is_admin: false });
    return { username, password: own };
  };
  return {
    url,
    newUser,
    description,
    stop: async () => {
      await stop();
      await postgres.stop();
    },
    newAccount: async () => {
      const { username, password: own } = await newUser();
      const [authorization, keys] = [basicOf(username, own), `${url}/v1/api-keys`];
      const made = await askAs(authorization, 'POST', keys, { description: 'by hand' });
      return {
        secret: { host: url, username, token: textOf(made, 'token'), tokenId: textOf(made, 'id') },
        live: async () => idsOf(await askAs(authorization, 'GET', keys), 'id'),
      };
    },
  };
}
