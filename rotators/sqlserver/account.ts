import { KeyturnError } from '../../src/rotator/index.ts';
import { lackingFor } from './admin-rights.ts';
import { accountStatement, loginStatement, userStatement } from './catalogue.ts';
import { numbersOf } from './classify.ts';
import type { SqlServerCredential } from './credential.ts';
import { asDatabaseOwner } from './database-owner.ts';
import { isDatabaseClosed } from './login-failure.ts';
import { quoteIdentifier, quoteLiteral } from './quoting.ts';
import type { SqlServerSession } from './session.ts';

interface AccountRow {
  readonly edition: number;
  readonly currentDatabase: string;
  readonly containment: number | null;
  readonly authenticationType: number | null;
}

/** A login of the server, with all that is copied to a clone. */
export interface Login {
  readonly name: string;
  readonly defaultDatabase: string | null;
  readonly defaultLanguage: string | null;
  readonly policyChecked: boolean;
  readonly expirationChecked: boolean;
  readonly locked: number | null;
  /** As a hexadecimal literal. The users of the databases belong to the login by its SID, on each replica. */
  readonly sid: string;
}

/** A user of a database, with all that is copied to a clone. */
export interface User {
  readonly name: string;
  /** Its login, if the session may see that. Only `findUser` asks for it. */
  readonly login?: string | null;
  readonly defaultSchema: string | null;
  readonly defaultLanguage: string | null;
}

/** Where an account's password is kept. */
export type AccountKind = 'login' | 'contained user';

/** What a username means in a session's database. */
export interface Account {
  readonly kind: AccountKind;
  readonly isAzure: boolean;
  /** The session's database. */
  readonly database: string;
}

/** authentication_type of a user with a password of its own. */
const byDatabase = 2;
/** SERVERPROPERTY('EngineEdition') of Azure SQL Database. */
const azure = 5;

/**
 * Finds out what a username means in the session's database. A database can have users with passwords if its
 * sys.databases.containment is not 0. In Azure SQL Database it always can. Such a user comes before a login of the same
 * name.
 *
 * @see https://learn.microsoft.com/sql/relational-databases/security/contained-database-users-making-your-database-portable
 */
export async function findAccount(session: SqlServerSession, username: string): Promise<Account> {
  const [account] = await session.query<AccountRow>(accountStatement, { username });
  const isAzure = account?.edition === azure;
  const contained = account?.authenticationType === byDatabase && (isAzure || account.containment !== 0);
  return {
    kind: contained ? 'contained user' : 'login',
    isAzure,
    database: account?.currentDatabase ?? 'master',
  };
}

/** Looks a login up. Undefined if there is none, or the session may not see it. */
export async function findLogin(session: SqlServerSession, username: string): Promise<Login | undefined> {
  const [login] = await session.query<Login>(loginStatement, { username });
  return login;
}

/** Looks a user of the session's database up. Undefined if there is none, or the session may not see it. */
export async function findUser(session: SqlServerSession, username: string): Promise<User | undefined> {
  const [user] = await session.query<User>(userStatement, { username });
  return user;
}

/** The error for an account that does not exist, or that the admin may not see. @param needed the rights to see it */
export function accountMissing(
  kind: AccountKind,
  username: string,
  needed = 'ALTER ANY LOGIN and VIEW ANY DEFINITION',
): KeyturnError {
  return new KeyturnError(
    'AccountMissing',
    `There is no ${kind} ${username}, or the admin may not see it.`,
    `Create it, or grant the admin ${needed}.`,
  );
}

/**
 * Lets an account set its own password. That needs no right, but the old password. This is the password of the login
 * (`using`), which is not always that of AWSCURRENT.
 *
 * @throws PermissionDenied if the account is a login of Azure SQL Database to which master is closed
 * @see https://learn.microsoft.com/sql/t-sql/statements/alter-login-transact-sql
 */
export async function setOwnPassword(
  session: SqlServerSession,
  pending: SqlServerCredential,
  using: SqlServerCredential,
  account: Account,
): Promise<void> {
  const alter = `${alterOf(account.kind)} ${quoteIdentifier(pending.username)}`;
  const passwords = `PASSWORD = ${quoteLiteral(pending.password)} OLD_PASSWORD = ${quoteLiteral(using.password)}`;
  await whereLoginsAre(session, account, (there) => there.query(`${alter} WITH ${passwords}`));
}

/**
 * Does work in the database that keeps an account's password. For a login of Azure SQL Database that is master, and needs
 * a second session. For all others it is the given session.
 *
 * @throws PermissionDenied if master is closed to the session's account
 * @see https://learn.microsoft.com/azure/azure-sql/database/logins-create-manage
 */
export async function whereLoginsAre<T>(
  session: SqlServerSession,
  { kind, isAzure, database }: Account,
  work: (session: SqlServerSession) => Promise<T>,
): Promise<T> {
  if (!isAzure || kind !== 'login' || database === 'master') return work(session);
  const master = await openMaster(session);
  if (master === undefined) throw masterClosed();
  try {
    return await work(master);
  } finally {
    await master.close();
  }
}

async function openMaster(session: SqlServerSession): Promise<SqlServerSession | undefined> {
  try {
    return await session.elsewhere('master');
  } catch (error) {
    if (isDatabaseClosed(error)) return undefined;
    throw error;
  }
}

function masterClosed(): KeyturnError {
  return new KeyturnError(
    'PermissionDenied',
    'A login of Azure SQL Database is changed in master, and this account may not enter master.',
    'Make a user for it in master (CREATE USER ... FOR LOGIN ...), name an admin secret, or rotate a user with a password of its own.',
  );
}

/**
 * Lets an admin set the password of an existing account. The old password does not matter, even if it has expired. A
 * login that is locked out, such as by somebody who tried old passwords, is unlocked. CHECK_POLICY and CHECK_EXPIRATION
 * stay as they are.
 *
 * @throws AccountMissing, and PermissionDenied if the admin lacks a right
 */
export async function setPasswordOf(
  session: SqlServerSession,
  { username, password }: SqlServerCredential,
  account: Account,
): Promise<void> {
  const { kind, isAzure } = account;
  if (isAzure && kind === 'login')
    return whereLoginsAre(session, account, (there) => setPasswordOfAzureLogin(there, username, password));
  const login = kind === 'login' ? await findLogin(session, username) : undefined;
  if (kind === 'login' && login === undefined) throw accountMissing(kind, username);
  const unlock = login?.locked === 1 ? ' UNLOCK' : '';
  const alter = `${alterOf(kind)} ${quoteIdentifier(username)} WITH PASSWORD = ${quoteLiteral(password)}${unlock}`;
  // ALTER LOGIN fires only the server's triggers, which admins have made. ALTER USER fires those of the database's owner.
  if (kind === 'login') await alterLogin(session, username, alter);
  else await asDatabaseOwner(session, [alter]);
}

/** Error 15151 means either a missing right or a missing login. So this looks up which right is missing. */
async function alterLogin(session: SqlServerSession, username: string, alter: string): Promise<void> {
  try {
    await session.query(alter);
  } catch (error) {
    const lacking = numbersOf(error).includes(15151) ? await lackingFor(session, username) : undefined;
    if (lacking === undefined) throw error;
    throw new KeyturnError(
      'PermissionDenied',
      `The admin may not set the password of ${username}: it ${lacking}.`,
      'Grant it that, or name another admin secret.',
      { cause: error },
    );
  }
}

async function setPasswordOfAzureLogin(
  master: SqlServerSession,
  username: string,
  password: string,
): Promise<void> {
  if ((await findLogin(master, username)) === undefined) throw accountMissing('login', username);
  await master.query(`ALTER LOGIN ${quoteIdentifier(username)} WITH PASSWORD = ${quoteLiteral(password)}`);
}

function alterOf(kind: AccountKind): string {
  return kind === 'login' ? 'ALTER LOGIN' : 'ALTER USER';
}
