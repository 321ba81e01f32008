import { randomBytes } from 'node:crypto';
import { SqlError, type Value } from './tokens.ts';

/** One row of a permission catalogue, with names instead of ids. */
export interface Grant {
  readonly class: number;
  readonly classDescription: string;
  readonly permission: string;
  readonly state: string;
  readonly schemaName: string | null;
  readonly name: string | null;
  readonly columnName: string | null;
  readonly principalType: string | null;
}

export interface Principal {
  readonly name: string;
  readonly roles: Set<string>;
  grants: Grant[];
}

export interface StandInLogin extends Principal {
  /** As a T-SQL literal. */
  readonly sid: string;
  password: string;
  readonly usedBefore: string[];
  defaultDatabase: string;
  defaultLanguage: string;
  policyChecked: boolean;
  expirationChecked: boolean;
  /** The error despite the right password: 18470 disabled, 18486 locked out, 18487 expired, 18488 must be changed. */
  barred: number | undefined;
}

export interface StandInUser extends Principal {
  /** Its login; undefined for a user with its own password. */
  login: string | undefined;
  password: string | undefined;
  defaultSchema: string | null;
  defaultLanguage: string | null;
}

/** A DDL trigger of a database. It runs with the rights of the session that fires it. */
export interface StandInTrigger {
  readonly events: readonly string[];
  readonly statements: readonly string[];
}

export interface StandInDatabase {
  readonly name: string;
  readonly contained: boolean;
  readonly users: Map<string, StandInUser>;
  readonly triggers: Map<string, StandInTrigger>;
  readonly roles: Set<string>;
  readonly schemas: Set<string>;
  /** Columns of each table, by schema and name. */
  readonly tables: Map<string, ReadonlySet<string>>;
  trustworthy: boolean;
  readOnly: boolean;
}

/** @see https://learn.microsoft.com/sql/relational-databases/security/authentication-access/server-level-roles */
const fixedServerRoles: readonly string[] = [
  'sysadmin',
  'serveradmin',
  'securityadmin',
  'processadmin',
  'setupadmin',
  'bulkadmin',
  'diskadmin',
  'dbcreator',
  '##MS_DatabaseConnector##',
  '##MS_LoginManager##',
  '##MS_DatabaseManager##',
  '##MS_ServerStateManager##',
  '##MS_ServerStateReader##',
  '##MS_ServerPerformanceStateReader##',
  '##MS_ServerSecurityStateReader##',
  '##MS_DefinitionReader##',
  '##MS_PerformanceDefinitionReader##',
  '##MS_SecurityDefinitionReader##',
];

/** @see https://learn.microsoft.com/sql/relational-databases/security/authentication-access/database-level-roles */
const fixedDatabaseRoles: readonly string[] = [
  'db_owner',
  'db_securityadmin',
  'db_accessadmin',
  'db_backupoperator',
  'db_ddladmin',
  'db_datawriter',
  'db_datareader',
  'db_denydatawriter',
  'db_denydatareader',
];

/** The stand-in's state: logins, and databases with users. Names are compared as a binary collation does. */
export interface Model {
  readonly logins: Map<string, StandInLogin>;
  readonly databases: Map<string, StandInDatabase>;
  readonly serverRoles: Set<string>;
  readonly serverName: string;
  /** Whether it stands in for Azure SQL Database. */
  readonly azure: boolean;
  /** Whether the server only accepts Windows accounts. Each login is then refused with the same 18456. */
  windowsOnly: boolean;
  /** `sp_configure 'contained database authentication'`: whether users with their own passwords may log in. */
  containedAuthentication: boolean;
}

/** A session's login or user, and its database. */
export interface Identity {
  readonly name: string;
  /** The database that keeps its password; undefined for a login of the server. */
  readonly containedIn: string | undefined;
  database: string;
  /** The database user as which it acts by EXECUTE AS, and the cookie that ends that. */
  acting: { readonly user: string; readonly cookie: string } | undefined;
}

export function newModel(
  admin: { readonly username: string; readonly password: string },
  azure = false,
): Model {
  const model: Model = {
    logins: new Map(),
    databases: new Map(),
    serverRoles: new Set(fixedServerRoles),
    azure,
    serverName: `SQL-${randomBytes(4).toString('hex').toUpperCase()}`,
    windowsOnly: false,
    containedAuthentication: false,
  };
  for (const name of ['master', 'tempdb', 'msdb']) addDatabase(model, name, false, admin.username);
  databaseOf(model, 'msdb').trustworthy = true;
  addLogin(model, admin.username, admin.password).roles.add('sysadmin');
  return model;
}

export function addDatabase(model: Model, name: string, contained: boolean, owner: string): void {
  const dbo: StandInUser = {
    name: 'dbo',
    login: owner,
    password: undefined,
    defaultSchema: 'dbo',
    defaultLanguage: null,
    roles: new Set(['db_owner']),
    grants: [],
  };
  model.databases.set(name, {
    name,
    contained,
    users: new Map([['dbo', dbo]]),
    triggers: new Map(),
    roles: new Set(['public', ...fixedDatabaseRoles]),
    schemas: new Set(['dbo', 'guest', 'sys', 'INFORMATION_SCHEMA', ...fixedDatabaseRoles]),
    tables: new Map(),
    trustworthy: false,
    readOnly: false,
  });
}

export function addLogin(
  model: Model,
  name: string,
  password: string,
  sid = `0x${randomBytes(16).toString('hex').toUpperCase()}`,
): StandInLogin {
  const login: StandInLogin = {
    name,
    sid,
    password,
    usedBefore: [],
    roles: new Set(),
    grants: [],
    defaultDatabase: 'master',
    defaultLanguage: 'us_english',
    policyChecked: true,
    expirationChecked: false,
    barred: undefined,
  };
  model.logins.set(name, login);
  return login;
}

export function databaseOf(model: Model, name: string): StandInDatabase {
  const database = model.databases.get(name);
  if (database === undefined) throw new SqlError(911, `Database '${name}' does not exist.`);
  return database;
}

export function userOfLogin(database: StandInDatabase, login: string): StandInUser | undefined {
  return [...database.users.values()].find((user) => user.login === login);
}

/** Every session may enter master and tempdb, as guest. */
export function mayEnter(
  model: Model,
  { name, containedIn }: Pick<Identity, 'name' | 'containedIn'>,
  database: StandInDatabase,
): boolean {
  if (containedIn !== undefined) return database.name === containedIn;
  // Azure's master has no guest.
  if (database.name === 'tempdb' || (database.name === 'master' && !model.azure)) return true;
  return model.logins.get(name)?.roles.has('sysadmin') === true || userOfLogin(database, name) !== undefined;
}

const bars: Readonly<Record<number, string>> = {
  18470: 'The account is disabled.',
  18486: 'Login failed because the account is currently locked out.',
  18487: 'Login failed. The password of the account has expired.',
  18488: 'Login failed. The password of the account must be changed.',
};

/** Whether a login may connect. If not, the client gets 18456 without the reason (states 11, 12 and 58). */
export function mayConnect({ windowsOnly }: Model, { roles, grants }: StandInLogin): boolean {
  if (windowsOnly) return false;
  const own = grants.filter(({ permission }) => permission === 'CONNECT SQL');
  if (own.some(({ state }) => state === 'D')) return false;
  return own.length > 0 || roles.has('sysadmin');
}

/** Logs in. @throws AggregateError with the server's errors, in order */
export function logIn(model: Model, username: string, password: string, wanted: string): Identity {
  const refused = new SqlError(18456, `Login failed for user '${username}'.`);
  const contained = model.databases.get(wanted)?.users.get(username);
  if (contained?.password !== undefined && (model.azure || model.containedAuthentication)) {
    if (contained.password !== password) throw new AggregateError([refused]);
    return { name: username, containedIn: wanted, database: wanted, acting: undefined };
  }
  const login = model.logins.get(username);
  if (login === undefined || login.password !== password || !mayConnect(model, login))
    throw new AggregateError([refused]);
  if (login.barred !== undefined)
    throw new AggregateError([
      new SqlError(login.barred, `Login failed for user '${username}'. Reason: ${bars[login.barred]}`),
    ]);
  const database = model.databases.get(wanted || login.defaultDatabase);
  if (database === undefined || !mayEnter(model, { name: username, containedIn: undefined }, database))
    throw new AggregateError([
      new SqlError(4060, `Cannot open database "${wanted}" requested by the login. The login failed.`),
      refused,
    ]);
  return { name: username, containedIn: undefined, database: database.name, acting: undefined };
}

/**
 * Windows' policy as SQL Server documents it: at least eight characters, of three of four categories, without the name of
 * the account, and none used before. Letters that are not Latin are of no category.
 *
 * @see https://learn.microsoft.com/sql/relational-databases/security/password-policy
 */
export function requirePolicy(
  { name, usedBefore = [] }: { readonly name: string; readonly usedBefore?: readonly string[] },
  password: string,
): void {
  const failed = 'Password validation failed.';
  const kinds = [/[A-Z]/, /[a-z]/, /[0-9]/, /[^\p{L}\p{M}\p{N}]/u].filter((kind) =>
    kind.test(password),
  ).length;
  if (password.length < 8) throw new SqlError(15116, `${failed} The password is too short.`);
  if (kinds < 3 || password.toLowerCase().includes(name.toLowerCase()))
    throw new SqlError(15118, `${failed} The password is not complex enough.`);
  if (usedBefore.includes(password))
    throw new SqlError(15115, `${failed} The password cannot be used at this time.`);
}

export function valueRow(grant: Grant, index: number): Record<string, Value> {
  return { ...grant, majorId: index + 1, minorId: grant.columnName === null ? 0 : 1, direct: true };
}
