import { randomBytes } from 'node:crypto';
import mssql from 'mssql';
import type { SqlServerOptions } from '../../../rotators/sqlserver/index.ts';
import { quoteIdentifier, quoteLiteral } from '../../../rotators/sqlserver/quoting.ts';
import type { SecretFields } from '../../../src/index.ts';
import { type StandIn, startStandIn } from './server.ts';

export interface TestLogin {
  readonly username: string;
  readonly password: string;
}

export type ContainedDatabase = { readonly database: string } | { readonly missing: string };

/** A server that the suite runs against, real or not. */
export interface SqlServerHarness {
  readonly options: SqlServerOptions;
  /** The suite's own database, in which logins have users. */
  readonly database: string;
  /** A contained database, whose users have their own passwords. It is made at the first call. Or why there is none. */
  contained(): Promise<ContainedDatabase>;
  secretOf(login: TestLogin, database?: string): SecretFields & TestLogin;
  adminSecret(): SecretFields & TestLogin;
  /** A unique name. Logins and databases with such names are removed at the end. */
  uniqueName(base: string): string;
  createLogin(base?: string, password?: string): Promise<TestLogin>;
  /** Runs statements with `mssql`, which the rotators don't use. */
  as(login: TestLogin, statements: readonly string[], database?: string): Promise<void>;
  asAdmin(statements: readonly string[], database?: string): Promise<void>;
  /** Whether `mssql` can log in. Anything but a refused login throws. */
  canLogIn(login: TestLogin, database?: string): Promise<boolean>;
  stop(): Promise<void>;
}

/** A long password with all kinds of characters, as SQL Server's policy requires. */
export function randomPassword(): string {
  return `Aa1!${randomBytes(15).toString('base64url')}`;
}

/** Names of logins that break code which pastes instead of quoting. SQL Server allows no backslash in them (15006). */
export const hostileNames = [
  `It's "quoted" ]] [x] and 1`,
  `app'; DROP LOGIN sa; --`,
  'пароль 密码 🔑 é',
  `N'' + CHAR(39)`,
  '{Server=x;Pwd=y} %s $1',
];

/** Passwords of that kind. All have three of the policy's four categories, in which only Latin letters count. */
export const hostilePasswords = [
  `It's "quoted" ]] [x] \\ and 1`,
  `Aa1'; DROP LOGIN sa; --`,
  'Aa Пароль 密码 🔑 é 1',
  `N'' + CHAR(39) Aa1\\`,
  '{Server=x;Pwd=y} %s $1 Aa',
];

interface Place {
  readonly host: string;
  readonly port: number | undefined;
  readonly admin: TestLogin;
  readonly driver: mssql.IOptions;
  readonly options: SqlServerOptions;
}

/** Starts a stand-in. */
export async function standInHarness(): Promise<SqlServerHarness & { readonly standIn: StandIn }> {
  const standIn = await startStandIn();
  const { host, port, admin, ca } = standIn;
  const driver = { encrypt: true, cryptoCredentialsDetails: { ca } };
  const harness = await prepare({ host, port, admin, driver, options: { ca: () => ca } });
  const contained = async (): Promise<ContainedDatabase> => {
    standIn.model.containedAuthentication = true;
    return harness.contained();
  };
  return { ...harness, contained, standIn, stop: () => standIn.stop() };
}

/** Uses the real server that an admin's ADO.NET connection string names. */
export async function realHarness(connectionString: string): Promise<SqlServerHarness> {
  const {
    server,
    port,
    user = '',
    password = '',
    options,
  } = mssql.ConnectionPool.parseConnectionString(connectionString);
  const { trustServerCertificate = false, instanceName } = options;
  const harness = await prepare({
    host: instanceName === undefined ? server : `${server}\\${instanceName}`,
    port: instanceName === undefined ? port : undefined,
    admin: { username: user, password },
    driver: { encrypt: true, trustServerCertificate },
    options: { trustServerCertificate },
  });
  return { ...harness, stop: () => cleanUp(harness) };
}

async function prepare({ host, port, admin, driver, options }: Place): Promise<SqlServerHarness> {
  const run = `keyturn-${randomBytes(4).toString('hex')}`;
  const withPool = async <T>(
    login: TestLogin,
    database: string,
    use: (pool: mssql.ConnectionPool) => Promise<T>,
  ): Promise<T> => {
    const { username: user, password } = login;
    const pool = new mssql.ConnectionPool({
      server: host,
      port,
      user,
      password,
      database,
      options: { ...driver },
    });
    await pool.connect();
    try {
      return await use(pool);
    } finally {
      await pool.close();
    }
  };
  const as = (login: TestLogin, statements: readonly string[], database = 'master'): Promise<void> =>
    withPool(login, database, async (pool) => {
      for (const statement of statements) await pool.request().batch(statement);
    });
  const asAdmin = (statements: readonly string[], database?: string): Promise<void> =>
    as(admin, statements, database);
  const [database, containedDatabase] = [run, `${run}-contained`];
  await asAdmin([`CREATE DATABASE ${quoteIdentifier(database)}`]);
  let contained: Promise<ContainedDatabase> | undefined;
  let count = 0;
  const uniqueName = (base: string): string => {
    count += 1;
    return `${base} ${run}-${count}`;
  };
  const secretOf = (login: TestLogin, dbname = database) => ({
    engine: 'sqlserver',
    host,
    port,
    dbname,
    ...login,
  });
  return {
    options,
    database,
    contained: () => {
      contained ??= makeContained(asAdmin, containedDatabase);
      return contained;
    },
    uniqueName,
    secretOf,
    as,
    asAdmin,
    adminSecret: () => secretOf(admin, 'master'),
    createLogin: async (base = 'app', password = randomPassword()) => {
      const username = uniqueName(base);
      const name = quoteIdentifier(username);
      await asAdmin([`CREATE LOGIN ${name} WITH PASSWORD = ${quoteLiteral(password)}`]);
      await asAdmin([`CREATE USER ${name} FOR LOGIN ${name}`], database);
      return { username, password };
    },
    canLogIn: async (login, where = database) => {
      try {
        return await withPool(login, where, async () => true);
      } catch (error) {
        if (error instanceof mssql.ConnectionError && /^Login failed for user/.test(error.message))
          return false;
        throw error;
      }
    },
    stop: async () => undefined,
  };
}

async function makeContained(
  asAdmin: SqlServerHarness['asAdmin'],
  database: string,
): Promise<ContainedDatabase> {
  try {
    await asAdmin([`CREATE DATABASE ${quoteIdentifier(database)} CONTAINMENT = PARTIAL`]);
    return { database };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return {
      missing: `no contained database can be made (sp_configure 'contained database authentication', 1): ${why}`,
    };
  }
}

/** Drops the databases and logins of a run on a real server. */
async function cleanUp({ asAdmin, database }: SqlServerHarness): Promise<void> {
  await asAdmin([
    `DECLARE @drop nvarchar(max) = N'';
     SELECT @drop += N'ALTER DATABASE ' + QUOTENAME(name) + N' SET SINGLE_USER WITH ROLLBACK IMMEDIATE;'
                   + N'DROP DATABASE ' + QUOTENAME(name) + N';' FROM sys.databases WHERE name LIKE N'%${database}%';
     EXEC (@drop)`,
  ]);
  await asAdmin([
    `DECLARE @drop nvarchar(max) = N'';
     SELECT @drop += N'DROP LOGIN ' + QUOTENAME(name) + N';' FROM sys.sql_logins WHERE name LIKE N'%${database}-%';
     EXEC (@drop)`,
  ]);
}
