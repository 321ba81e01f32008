import { randomBytes } from 'node:crypto';
import { Wait } from 'testcontainers';
import { quoteIdentifier, quoteLiteral } from '../../rotators/postgres/quoting.ts';
import { withClient } from '../support/postgres-server.ts';
import { type Database, startContainer } from './database.ts';

const image = 'postgres:15';

interface Place {
  readonly host: string;
  readonly port: number;
  readonly admin: { readonly username: string; readonly password: string };
  stop(): Promise<void>;
}

/** The server of KEYTURN_TEST_POSTGRES_URL if that is set, else one in a container. */
export async function findPostgres(): Promise<Database | { readonly missing: string }> {
  const url = process.env.KEYTURN_TEST_POSTGRES_URL;
  if (url !== undefined && url !== '') return database(placeOf(new URL(url)));
  const password = randomBytes(12).toString('hex');
  const started = await startContainer({
    name: image,
    configure: (container) =>
      container
        .withEnvironment({ POSTGRES_USER: 'admin', POSTGRES_PASSWORD: password, POSTGRES_DB: 'postgres' })
        .withExposedPorts(5432)
        .withWaitStrategy(Wait.forLogMessage('database system is ready to accept connections', 2)),
  });
  if ('missing' in started) return started;
  return database({
    host: started.getHost(),
    port: started.getMappedPort(5432),
    admin: { username: 'admin', password },
    stop: async () => void (await started.stop()),
  });
}

function placeOf(url: URL): Place {
  const admin = { username: decodeURIComponent(url.username), password: decodeURIComponent(url.password) };
  return { host: url.hostname, port: Number(url.port || 5432), admin, stop: async () => undefined };
}

function database({ host, port, admin, stop }: Place): Database {
  const as = <T>({ username, password }: { username: string; password: string }, statement: string) =>
    withClient(
      { host, port, ca: undefined, user: username, password },
      async (client) => (await client.query(statement)).rows as T[],
    );
  const refused = (error: unknown): boolean =>
    error instanceof Error && Reflect.get(error, 'code') === '28P01';
  return {
    admin,
    stop,
    secretOf: (login) => ({ engine: 'postgres', host, port, dbname: 'postgres', ssl: false, ...login }),
    connectionString: ({ username, password }) =>
      `postgres://${encodeURIComponent(username)}:${encodeURIComponent(password)}@${host}:${port}/postgres?sslmode=disable&application_name=orders`,
    createLogin: async (base, password) => {
      const username = `${base} ${randomBytes(3).toString('hex')}`;
      const role = quoteIdentifier(username);
      await as(admin, `CREATE ROLE ${role} WITH LOGIN PASSWORD ${quoteLiteral(password)}`);
      await as(admin, `CREATE SCHEMA ${role} AUTHORIZATION ${role}`);
      return { username, password };
    },
    canLogIn: (login) =>
      as(login, 'SELECT 1').then(
        () => true,
        (error: unknown) => {
          if (refused(error)) return false;
          throw error;
        },
      ),
    canWork: async (login) => {
      const schema = quoteIdentifier(login.username.replace(/_clone$/, ''));
      await as(login, `CREATE TABLE ${schema}.work (id int); DROP TABLE ${schema}.work`);
      return true;
    },
  };
}
