import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { quoteIdentifier, quoteLiteral } from '../../rotators/sqlserver/quoting.ts';
import { startPostgres } from '../../test/support/postgres-server.ts';
import { realHarness, standInHarness } from '../../test/support/tds/harness.ts';
import { createLogin, database } from '../demo/database.ts';
import { machine } from '../sam/reach.ts';
import type { RotatorName } from './arguments.ts';
import type { Renewal, Target } from './target.ts';
import { startTokenTarget } from './token-target.ts';

/** Starts the target's server. For SQL Server, it may find one that runs. */
export function findTarget(
  rotator: RotatorName,
  resources: AsyncDisposableStack,
  signal: AbortSignal,
): Promise<Target> {
  switch (rotator) {
    case 'postgres':
      return startPostgresTarget(resources, signal);
    case 'sqlserver':
      return findSqlServer(resources);
    case 'api-token':
      return startTokenTarget(resources);
  }
}

/** Makes a new password that any policy accepts: long, with all kinds of characters. */
function renewPassword(set: (password: string) => Promise<void>): Renewal {
  const password = `Aa1!${randomBytes(15).toString('base64url')}`;
  return { fields: { password }, accept: () => set(password) };
}

async function startPostgresTarget(resources: AsyncDisposableStack, signal: AbortSignal): Promise<Target> {
  const server = await startPostgres({ signal });
  resources.defer(() => server.stop());
  const { host, port, ca = '' } = server;
  const login = await createLogin(server);
  const role = pg.escapeIdentifier(login.username);
  return {
    name: 'PostgreSQL',
    description: `${host}:${port}, a real server, with TLS`,
    secret: { engine: 'postgres', host: machine, port, dbname: database, ...login },
    localPort: port,
    ca,
    renew: () =>
      renewPassword((password) =>
        server.asAdmin(async (client) => {
          await client.query(`ALTER ROLE ${role} PASSWORD ${pg.escapeLiteral(password)}`);
        }),
      ),
  };
}

async function findSqlServer(resources: AsyncDisposableStack): Promise<Target> {
  const url = process.env.KEYTURN_TEST_SQLSERVER_URL;
  const harness = url ? await realHarness(url) : await standInHarness();
  resources.defer(() => harness.stop());
  const login = await harness.createLogin();
  const { host, port, ...rest } = harness.secretOf(login);
  const isHere = host === 'localhost' || host === '127.0.0.1';
  return {
    name: 'SQL Server',
    description: url
      ? `${host}, a real server`
      : 'a stand-in, which checks logins and knows the statements; KEYTURN_TEST_SQLSERVER_URL names a real one',
    secret: { ...rest, ...login, host: isHere ? machine : host, port },
    localPort: isHere ? Number(port ?? 1433) : undefined,
    ca: harness.options.ca?.() ?? '',
    renew: () =>
      renewPassword((password) =>
        harness.asAdmin([
          `ALTER LOGIN ${quoteIdentifier(login.username)} WITH PASSWORD = ${quoteLiteral(password)}`,
        ]),
      ),
  };
}
