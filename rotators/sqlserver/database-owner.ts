import { AdapterError, KeyturnError } from '../../src/rotator/index.ts';
import { actAsOwnerStatement, workerStatement } from './catalogue.ts';
import { binaryLiteral } from './quoting.ts';
import type { SqlServerSession } from './session.ts';

interface Worker {
  readonly edition: number;
  readonly database: string;
  readonly trustworthy: boolean | null;
  /** Whether it is the session of a user whose password this database keeps. */
  readonly confined: boolean | null;
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
 * Runs an admin's statements in the session's database with the rights of that database's `dbo`, and none of the
 * server's. Whoever owns a database can have a DDL trigger run at CREATE USER, ALTER USER, GRANT and ALTER ROLE, and a
 * trigger has the rights of whoever runs the statement: with the admin's it could make its author sysadmin. A context
 * that was set outside of a trigger can't be reverted in it, nor without the cookie.
 *
 * An admin who is a user of this one database has no other rights to begin with, nor has a session of Azure SQL
 * Database, which can't leave its database.
 *
 * @throws PermissionDenied where the admin can't act as `dbo`, or where `dbo` has rights beyond the database
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
 * Looks whether an admin could run statements so, and runs none.
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
    // Where the connection is lost, the statement's error says more.
    await revert().catch(() => undefined);
    throw error;
  }
  await revert();
}

async function run(session: SqlServerSession, statements: readonly string[]): Promise<void> {
  for (const statement of statements) await session.query(statement);
}

/**
 * In a database that is TRUSTWORTHY, `dbo` keeps the rights that its login has elsewhere. Only a sysadmin can set that.
 * msdb is so from the start, for the server's own sake; there it is enough that nobody has defined a trigger, because
 * whoever may define one in msdb can act as sysadmin by SQL Server Agent anyway.
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

/** @returns what ends it, as a literal */
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

/** No such principal, or none that may be impersonated, such as the dbo of a database whose owner has no login. */
const cannotImpersonate = 15517;

async function startImpersonation(session: SqlServerSession, database: string): Promise<Impersonation[]> {
  try {
    return await session.query<Impersonation>(actAsOwnerStatement);
  } catch (error) {
    if (!(error instanceof Error) || Reflect.get(error, 'number') !== cannotImpersonate) throw error;
    throw new KeyturnError(
      'PermissionDenied',
      `The admin can't act as dbo of ${database}, without which the database's DDL triggers would have the admin's rights.`,
      `Make the admin a member of db_owner there; if the owner has no login on this server (a restored database), give it one: ALTER AUTHORIZATION ON DATABASE:: ... TO [sa].`,
      { cause: error },
    );
  }
}
