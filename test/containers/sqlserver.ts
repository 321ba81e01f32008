import { randomBytes } from 'node:crypto';
import { Wait } from 'testcontainers';
import type { SqlServerOptions } from '../../rotators/sqlserver/index.ts';
import { realHarness } from '../support/tds/harness.ts';
import { type Database, startContainer } from './database.ts';

const image = 'mcr.microsoft.com/mssql/server:2022-latest';

/** A SQL Server, and how the rotators must be set to trust its certificate. */
export interface SqlServerDatabase extends Database {
  readonly options: SqlServerOptions;
}

/** The server of KEYTURN_TEST_SQLSERVER_URL (an ADO.NET string of an admin) if that is set, else one in a container. */
export async function findSqlServer(): Promise<SqlServerDatabase | { readonly missing: string }> {
  const url = process.env.KEYTURN_TEST_SQLSERVER_URL;
  if (url !== undefined && url !== '') return database(url, async () => undefined);
  const password = `Aa1-${randomBytes(12).toString('hex')}`;
  const started = await startContainer({
    name: image,
    configure: (container) =>
      container
        .withEnvironment({ ACCEPT_EULA: 'Y', MSSQL_SA_PASSWORD: password })
        .withExposedPorts(1433)
        .withWaitStrategy(Wait.forLogMessage('SQL Server is now ready for client connections'))
        .withStartupTimeout(240_000),
  });
  if ('missing' in started) return started;
  const place = `Server=tcp:${started.getHost()},${started.getMappedPort(1433)}`;
  return database(`${place};User Id=sa;Password=${password};TrustServerCertificate=true`, async () => {
    await started.stop();
  });
}

async function database(connectionString: string, stop: () => Promise<void>): Promise<SqlServerDatabase> {
  const harness = await realHarness(connectionString);
  return {
    options: harness.options,
    admin: harness.adminSecret(),
    secretOf: (login) => harness.secretOf(login),
    connectionString: (login) => {
      const { host, port, dbname } = harness.secretOf(login);
      const quoted = (value: string): string => `"${value.replaceAll('"', '""')}"`;
      return `Server=tcp:${host},${port}; database=${dbname};User Id=${quoted(login.username)};PWD=${quoted(login.password)};Application Name=Orders`;
    },
    createLogin: (base, password) => harness.createLogin(base, password),
    canLogIn: (login) => harness.canLogIn(login),
    canWork: (login) => harness.canLogIn(login, harness.database),
    stop: async () => {
      await harness.stop();
      await stop();
    },
  };
}
