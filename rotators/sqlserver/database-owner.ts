import { AdapterError, KeyturnError } from '../../src/rotator/index.ts';
import { actAsOwnerStatement, workerStatement } from './catalogue.ts';
import { binaryLiteral } from './quoting.ts';
import type { SqlServerSession } from './session.ts';

interface Worker {
  readonly edition: number;
  readonly database: string;
  readonly trustworthy: boolean | null;
  /** Whether the session is that of a contained user of this database. */
  readonly confined: boolean | null;
  /** The number of the database's enabled DDL triggers. */
  readonly triggers: number;
}

interface Impersonation {
  readonly cookie: string | null;
  readonly actingAs: string;
  readonly sysadmin: number | null;
  readonly controlServer: number | null;
  readonly alterAnyLogin: number | null;
}

/** SERVERPROPERTY('EngineEdition') of Azure SQL Database. */
const azure = 5;

/**
 * Runs an admin's statements in the session's database with the rights of that database's `dbo`, and with no rights on
 * the server. The reason: a database's owner can create a DDL trigger that runs at CREATE USER, ALTER USER, GRANT and
 * ALTER ROLE. A trigger has the rights of the person who runs the statement. With an admin's rights, it could make the
 * owner a sysadmin. A trigger can't leave the context of `dbo`: it did not set the context, and does not know the cookie.
 *
 * Two kinds of session need no such context, since they have no rights beyond the database: that of an admin who is a
 * contained user there, and that of Azure SQL Database.
 *
 * @throws PermissionDenied if the admin can't act as `dbo`, or `dbo` has rights beyond the database
 * @see https://learn.microsoft.com/sql/relational-databases/triggers/manage-trigger-security
 * @see https://learn.microsoft.com/sql/t-sql/statements/execute-as-transact-sql
 * @see https://learn.microsoft.com/sql/t-sql/statements/revert-transact-sql
 */
export async function asDatabaseOwner(
  session: SqlServerSession,
  statements: readonly string[],
): Promise<void> {
  if (statements.length > 0) await actAsOwner(session, statements);
}

/**
 * Checks that {@link asDatabaseOwner} could run statements, and runs none.
 *
 * @throws PermissionDenied as `asDatabaseOwner` does
 */
export async function requireActingAsOwner(session: SqlServerSession): Promise<void> {
  await actAsOwner(session, []);
}

async function actAsOwner(session: SqlServerSession, statements: readonly string[]): Promise<void> {
  const [worker] = await session.query<Worker>(workerStatement);
  const isConfined = worker?.edition === azure || worker?.confined === true;
  if (isConfined) return run(session, statements);
  const database = worker?.database ?? '';
  requireNoTrust(worker, database);
  const cookie = await impersonate(session, database);
  const revert = () =>
    session.query(`DECLARE @cookie varbinary(100) = ${binaryLiteral(cookie)}; REVERT WITH COOKIE = @cookie`);
  try {
    await run(session, statements);
  } catch (error) {
    // If the connection is lost, this fails too, and the statement's error says more.
    await revert().catch(() => undefined);
    throw error;
  }
  await revert();
}

async function run(session: SqlServerSession, statements: readonly string[]): Promise<void> {
  for (const statement of statements) await session.query(statement);
}

/**
 * Refuses a TRUSTWORTHY database: there `dbo` keeps the rights that its login has on the server. Only a sysadmin can make
 * a database TRUSTWORTHY. msdb is so from the start, because the server needs it. There it is enough that it has no
 * trigger: whoever may create one in msdb can act as sysadmin through SQL Server Agent anyway.
 *
 * @see https://learn.microsoft.com/sql/relational-databases/security/trustworthy-database-property
 */
function requireNoTrust(worker: Worker | undefined, database: string): void {
  if (worker?.trustworthy !== true) return;
  if (database === 'msdb' && worker.triggers === 0) return;
  throw new KeyturnError(
    'PermissionDenied',
    database === 'msdb'
      ? 'msdb has DDL triggers, which would run with more than the rights of its owner.'
      : `The database ${database} is TRUSTWORTHY: its DDL triggers would run with more than the rights of its owner.`,
    `Nothing was changed there. Set it off (ALTER DATABASE ... SET TRUSTWORTHY OFF), or make the user in ${database} and grant it its rights by hand.`,
  );
}

/** Makes the session that of `dbo`. @returns the cookie that ends this, as a hexadecimal literal */
async function impersonate(session: SqlServerSession, database: string): Promise<string> {
  const [acting] = await startImpersonation(session, database);
  const { cookie, actingAs, sysadmin, controlServer, alterAnyLogin } = acting ?? {};
  const goesBeyond = [sysadmin, controlServer, alterAnyLogin].includes(1);
  if (actingAs !== 'dbo' || typeof cookie !== 'string' || !/^0x[0-9A-F]+$/i.test(cookie))
    throw new AdapterError('EXECUTE AS USER did not make the session that of dbo.');
  if (goesBeyond && database !== 'msdb')
    throw new KeyturnError(
      'PermissionDenied',
      `As dbo of ${database} the session still has rights on the server, which the database's DDL triggers would have too.`,
      `Nothing was changed there. See who owns ${database}, and whether it is TRUSTWORTHY.`,
    );
  return cookie;
}

/** The error for a principal that can't be impersonated, such as the dbo of a database whose owner has no login. */
const cannotImpersonate = 15517;

async function startImpersonation(session: SqlServerSession, database: string): Promise<Impersonation[]> {
  try {
    return await session.query<Impersonation>(actAsOwnerStatement);
  } catch (error) {
    if (!(error instanceof Error) || Reflect.get(error, 'number') !== cannotImpersonate) throw error;
    throw new KeyturnError(
      'PermissionDenied',
      `The admin can't act as dbo of ${database}, without which the database's DDL triggers would have the admin's rights.`,
      'Make the admin a member of db_owner there. If the owner has no login on this server (a restored database), give the database another owner: ALTER AUTHORIZATION ON DATABASE:: ... TO [sa].',
      { cause: error },
    );
  }
}
