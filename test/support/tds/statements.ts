import { grantOf, grantStatement } from './grants.ts';
import {
  addDatabase,
  addLogin,
  databaseOf,
  type Identity,
  type Model,
  mayEnter,
  requirePolicy,
  type StandInDatabase,
  type StandInUser,
} from './model.ts';
import {
  isSysadmin,
  mayOnServer,
  ownsDatabase,
  type Run,
  requireInDatabase,
  requireOnServer,
} from './rights.ts';
import { optionsOf, pattern, plainName, plainText, requireNames } from './text.ts';
import { SqlError } from './tokens.ts';
import { createTrigger, fire, runTriggersBy } from './triggers.ts';

const noSuch = (what: string, who: string): SqlError =>
  new SqlError(
    15151,
    `Cannot alter the ${what} '${who}', because it does not exist or you do not have permission.`,
  );

const alterLoginPassword: Run = (model, session, [quoted, password, oldPassword, unlock, mustChange]) => {
  const login = model.logins.get(plainName(quoted));
  const bySelf = session.containedIn === undefined && session.name === login?.name;
  const mayAlter = mayOnServer(model, session, 'ALTER ANY LOGIN');
  // Only a sysadmin may change a sysadmin's password.
  const mayAlterThis =
    mayAlter && (login?.roles.has('sysadmin') !== true || mayOnServer(model, session, 'CONTROL SERVER'));
  if (login === undefined || (!bySelf && !mayAlterThis)) throw noSuch('login', plainName(quoted));
  if (bySelf && !mayAlter && plainText(oldPassword) !== login.password) throw noSuch('login', login.name);
  if (login.policyChecked) requirePolicy(login, plainText(password));
  requireLength(plainText(password));
  if (mustChange !== undefined) requireMustChange(mustChange);
  login.usedBefore.push(login.password, plainText(password));
  login.password = plainText(password);
  const lifted =
    login.barred === 18487 || login.barred === 18488 || (unlock !== undefined && login.barred === 18486);
  if (lifted) login.barred = undefined;
  if (mustChange !== undefined) login.barred = 18488;
};

const disableLogin: Run = (model, session, [quoted, word]) => {
  requireOnServer(model, session, 'ALTER ANY LOGIN');
  const login = model.logins.get(plainName(quoted));
  if (login === undefined) throw noSuch('login', plainName(quoted));
  login.barred = word === 'DISABLE' ? 18470 : undefined;
};

const alterUserPassword: Run = (model, session, [quoted, password, oldPassword]) => {
  const user = databaseOf(model, session.database).users.get(plainName(quoted));
  const bySelf = session.containedIn !== undefined && session.name === user?.name;
  const proven = bySelf && plainText(oldPassword) === user?.password;
  if (user === undefined || (!proven && !ownsDatabase(model, session)))
    throw noSuch('user', plainName(quoted));
  if (user.password === undefined)
    throw new SqlError(
      33234,
      'The parameter PASSWORD cannot be provided for users that cannot authenticate in a database.',
    );
  requireLength(plainText(password));
  requirePolicy(user, plainText(password));
  user.password = plainText(password);
  fire(model, session, 'ALTER_USER');
};

const createLogin: Run = (model, session, [quoted, list]) => {
  requireOnServer(model, session, 'ALTER ANY LOGIN');
  const [login, options] = [plainName(quoted), optionsOf(list)];
  requireNameOfLogin(login);
  if (model.logins.has(login) || model.serverRoles.has(login))
    throw new SqlError(15025, `The server principal '${login}' already exists.`);
  const password = options.get('PASSWORD') ?? '';
  const policyChecked = options.get('CHECK_POLICY') !== 'OFF';
  const expirationChecked = options.get('CHECK_EXPIRATION') === 'ON';
  if (expirationChecked && !policyChecked)
    throw new SqlError(15122, 'The CHECK_EXPIRATION option cannot be used when CHECK_POLICY is OFF.');
  requireDefaults(model, options);
  requireLength(password);
  if (policyChecked) requirePolicy({ name: login }, password);
  const sid = /SID = (0x[0-9A-F]+)/.exec(list ?? '')?.[1];
  if (sid !== undefined && [...model.logins.values()].some((other) => other.sid === sid))
    throw new SqlError(15433, 'Supplied parameter sid is in use.');
  const made = addLogin(model, login, password, sid);
  made.policyChecked = policyChecked;
  made.expirationChecked = expirationChecked;
  made.defaultDatabase = options.get('DEFAULT_DATABASE') ?? 'master';
  made.defaultLanguage = options.get('DEFAULT_LANGUAGE') ?? 'us_english';
  made.grants.push(grantOf('CONNECT SQL', undefined, undefined, 'G', true));
};

/** @see https://learn.microsoft.com/sql/t-sql/statements/create-login-transact-sql */
function requireNameOfLogin(name: string): void {
  if (name.includes('\\'))
    throw new SqlError(15006, `'${name}' is not a valid name because it contains invalid characters.`);
  if (reservedLogins.has(name.toLowerCase()))
    throw new SqlError(15405, `Cannot use the special principal '${name}'.`);
}

const reservedLogins = new Set(['public']);

/** Reserved names of database users. */
const reservedUsers = new Set(['sys', 'information_schema', 'guest', 'public']);

/** Some of sys.syslanguages. */
const languages = new Set(['us_english', 'British', 'Deutsch', 'Français', 'Italiano', '日本語']);

function requireDefaults(model: Model, options: ReadonlyMap<string, string>): void {
  const database = options.get('DEFAULT_DATABASE');
  if (database !== undefined && !model.databases.has(database))
    throw new SqlError(15010, `The database '${database}' does not exist. Supply a valid database name.`);
  const language = options.get('DEFAULT_LANGUAGE');
  if (language !== undefined && !languages.has(language))
    throw new SqlError(15033, `'${language}' is not a valid official language name.`);
}

function requireLength(password: string): void {
  if (password.length > 128)
    throw new SqlError(15117, 'Password validation failed. The password is too long.');
}

/** @see https://learn.microsoft.com/sql/t-sql/statements/alter-login-transact-sql */
function requireMustChange(options: string): void {
  if (!options.includes('CHECK_EXPIRATION = ON') || !options.includes('CHECK_POLICY = ON'))
    throw new SqlError(
      15128,
      'The CHECK_POLICY and CHECK_EXPIRATION options cannot be turned OFF when MUST_CHANGE is ON.',
    );
}

const dropLogin: Run = (model, session, [quoted]) => {
  requireOnServer(model, session, 'ALTER ANY LOGIN');
  const login = plainName(quoted);
  const owns = [...model.databases.values()].some(({ users }) => users.get('dbo')?.login === login);
  if (owns) throw new SqlError(15174, `Login '${login}' owns one or more database(s).`);
  if (!model.logins.delete(login)) throw noSuch('login', login);
};

const alterLoginDefaults: Run = (model, session, [quoted, list]) => {
  requireOnServer(model, session, 'ALTER ANY LOGIN');
  const [login, options] = [model.logins.get(plainName(quoted)), optionsOf(list)];
  if (login === undefined) throw noSuch('login', plainName(quoted));
  requireDefaults(model, options);
  login.defaultDatabase = options.get('DEFAULT_DATABASE') ?? login.defaultDatabase;
  login.defaultLanguage = options.get('DEFAULT_LANGUAGE') ?? login.defaultLanguage;
};

const createUser: Run = (model, session, [quoted, login, list]) => {
  requireInDatabase(model, session);
  const database = databaseOf(model, session.database);
  const [user, options] = [plainName(quoted), optionsOf(list)];
  const loginName = login === undefined ? undefined : plainName(login);
  requireNameOfUser(database, user);
  const password = options.get('PASSWORD');
  if (loginName === undefined) requireContained(model, database, user, password);
  else requireLogin(model, database, loginName);
  requireUserOptions(database, options);
  database.users.set(user, {
    name: user,
    login: loginName,
    password,
    defaultSchema: options.get('DEFAULT_SCHEMA') ?? 'dbo',
    defaultLanguage: options.get('DEFAULT_LANGUAGE') ?? null,
    roles: new Set(),
    grants: [grantOf('CONNECT', 'DATABASE', [database.name], 'G')],
  });
  fire(model, session, 'CREATE_USER');
};

/** @see https://learn.microsoft.com/sql/t-sql/statements/create-user-transact-sql */
function requireNameOfUser({ users, roles }: StandInDatabase, name: string): void {
  if (name.includes('\\'))
    throw new SqlError(15006, `'${name}' is not a valid name because it contains invalid characters.`);
  if (users.has(name) || roles.has(name) || reservedUsers.has(name.toLowerCase()))
    throw new SqlError(15023, `User, group, or role '${name}' already exists in the current database.`);
}

function requireContained(
  { azure }: Model,
  { contained }: StandInDatabase,
  name: string,
  password: string | undefined,
): void {
  if ((!contained && !azure) || password === undefined)
    throw new SqlError(33233, 'You can only create a user with a password in a contained database.');
  requireLength(password);
  requirePolicy({ name }, password);
}

function requireLogin(model: Model, { users }: StandInDatabase, login: string): void {
  if (login === 'sa') throw new SqlError(15405, `Cannot use the special principal '${login}'.`);
  if (!model.logins.has(login))
    throw new SqlError(15007, `'${login}' is not a valid login or you do not have permission.`);
  if ([...users.values()].some((user) => user.login === login))
    throw new SqlError(15063, 'The login already has an account under a different user name.');
}

function requireUserOptions({ contained }: StandInDatabase, options: ReadonlyMap<string, string>): void {
  // The documentation gives no number.
  if (options.has('DEFAULT_LANGUAGE') && !contained)
    throw new SqlError(102, 'DEFAULT_LANGUAGE can be specified for users of a contained database only.');
}

const dropUser: Run = (model, session, [quoted]) => {
  requireInDatabase(model, session);
  const { name } = userIn(model, session, plainName(quoted));
  databaseOf(model, session.database).users.delete(name);
  fire(model, session, 'DROP_USER');
};

const alterUser: Run = (model, session, [quoted, list]) => {
  requireInDatabase(model, session);
  const [user, options] = [userIn(model, session, plainName(quoted)), optionsOf(list)];
  const [database, login] = [databaseOf(model, session.database), options.get('LOGIN')];
  if (login !== undefined && login !== user.login) requireLogin(model, database, login);
  requireUserOptions(database, options);
  user.login = options.get('LOGIN') ?? user.login;
  user.defaultSchema = options.get('DEFAULT_SCHEMA') ?? user.defaultSchema;
  fire(model, session, 'ALTER_USER');
};

function userIn(model: Model, session: Identity, user: string): StandInUser {
  const found = databaseOf(model, session.database).users.get(user);
  if (found === undefined) throw noSuch('user', user);
  return found;
}

const addToServerRole: Run = (model, session, [role, member]) => {
  const login = model.logins.get(plainName(member));
  if (login?.name === 'sa') throw new SqlError(15405, "Cannot use the special principal 'sa'.");
  const known = model.serverRoles.has(plainName(role));
  if (!isSysadmin(model, session) || login === undefined || !known)
    throw noSuch('server role', plainName(role));
  login.roles.add(plainName(role));
};

const createServerRole: Run = (model, session, [quoted]) => {
  requireOnServer(model, session, 'ALTER ANY SERVER ROLE');
  model.serverRoles.add(plainName(quoted));
};

const addToRole: Run = (model, session, [role, member]) => {
  requireInDatabase(model, session);
  if (plainName(member) === 'dbo') throw new SqlError(15405, "Cannot use the special principal 'dbo'.");
  if (!databaseOf(model, session.database).roles.has(plainName(role))) throw noSuch('role', plainName(role));
  userIn(model, session, plainName(member)).roles.add(plainName(role));
  fire(model, session, 'ADD_ROLE_MEMBER');
};

/** CREATE TABLE: only the columns' names are kept, for permissions on them. */
const createTable: Run = (model, session, [schema, table, columns = '']) => {
  requireInDatabase(model, session);
  const database = databaseOf(model, session.database);
  if (!database.schemas.has(plainName(schema)))
    throw new SqlError(2760, `The specified schema name "${plainName(schema)}" does not exist.`);
  const names = columns.split(', ').map((column) => column.replace(/ int$/, '').replace(/^\[(.*)\]$/, '$1'));
  database.tables.set(JSON.stringify([plainName(schema), plainName(table)]), new Set(names));
};

const createSchema: Run = (model, session, [quoted]) => {
  requireInDatabase(model, session);
  databaseOf(model, session.database).schemas.add(plainName(quoted));
};

const createRole: Run = (model, session, [quoted]) => {
  requireInDatabase(model, session);
  const database = databaseOf(model, session.database);
  requireNameOfUser(database, plainName(quoted));
  database.roles.add(plainName(quoted));
};

const setReadOnly: Run = (model, session, [quoted, word]) => {
  requireOnServer(model, session, 'ALTER ANY DATABASE');
  databaseOf(model, plainName(quoted)).readOnly = word === 'ONLY';
};

const setTrustworthy: Run = (model, session, [quoted, on]) => {
  requireOnServer(model, session, 'CONTROL SERVER');
  databaseOf(model, plainName(quoted)).trustworthy = on === 'ON';
};

const changeOwner: Run = (model, session, [quoted, login]) => {
  requireOnServer(model, session, 'CONTROL SERVER');
  const dbo = databaseOf(model, plainName(quoted)).users.get('dbo');
  if (dbo !== undefined) dbo.login = plainName(login);
};

const createDatabase: Run = (model, session, [made, contained]) => {
  requireOnServer(model, session, 'CREATE ANY DATABASE');
  if (contained !== undefined && !model.containedAuthentication)
    throw new SqlError(
      12824,
      "The sp_configure value 'contained database authentication' must be set to 1 in order to create a contained database.",
    );
  addDatabase(model, plainName(made), contained !== undefined, session.name);
};

const allowContained: Run = (model, session, [value]) => {
  requireOnServer(model, session, 'ALTER SETTINGS');
  model.containedAuthentication = value === '1';
};

/**
 * @see https://learn.microsoft.com/sql/t-sql/statements/revert-transact-sql
 */
const revert: Run = (_model, session, [cookie]) => {
  if (session.acting === undefined || session.acting.cookie !== cookie)
    throw new SqlError(15591, 'The current security context cannot be reverted using this statement.');
  session.acting = undefined;
};

const use: Run = (model, session, [quoted]) => {
  const database = databaseOf(model, plainName(quoted));
  // With EXECUTE AS, a session may enter no other database.
  if (session.acting !== undefined || !mayEnter(model, session, database))
    throw new SqlError(916, `The server principal "${session.name}" is not able to access the database.`);
  session.database = database.name;
};

const statements: readonly (readonly [RegExp, Run])[] = [
  [
    pattern(
      'ALTER LOGIN <name> WITH PASSWORD = <text>(?: OLD_PASSWORD = <text>)?( UNLOCK)?( MUST_CHANGE, .*)?',
    ),
    alterLoginPassword,
  ],
  [pattern('ALTER LOGIN <name> WITH (DEFAULT_.*)'), alterLoginDefaults],
  [pattern('ALTER LOGIN <name> (DISABLE|ENABLE)'), disableLogin],
  [pattern('ALTER USER <name> WITH PASSWORD = <text>(?: OLD_PASSWORD = <text>)?'), alterUserPassword],
  [pattern('ALTER USER <name> WITH ((?:LOGIN|DEFAULT_).*)'), alterUser],
  [pattern('CREATE LOGIN <name> WITH (.*)'), createLogin],
  [pattern('CREATE USER <name>(?: FOR LOGIN <name>)?(?: WITH (.*))?'), createUser],
  [pattern('ALTER SERVER ROLE <name> ADD MEMBER <name>'), addToServerRole],
  [pattern('ALTER ROLE <name> ADD MEMBER <name>'), addToRole],
  [
    pattern(
      '(GRANT|DENY|REVOKE) ([A-Z ]+?)(?: \\(<name>\\))?(?: ON ([A-Z ]+)::<name>(?:\\.<name>)?)? (?:TO|FROM) <name>( WITH GRANT OPTION| CASCADE)?',
    ),
    grantStatement,
  ],
  [pattern('USE <name>'), use],
  [pattern('CREATE DATABASE <name>( CONTAINMENT = PARTIAL)?'), createDatabase],
  [
    pattern("EXEC sys.sp_configure N'contained database authentication', ([01]); RECONFIGURE"),
    allowContained,
  ],
  [pattern('ALTER DATABASE <name> SET READ_(ONLY|WRITE)'), setReadOnly],
  [pattern('ALTER DATABASE <name> SET TRUSTWORTHY (ON|OFF)'), setTrustworthy],
  [pattern('ALTER AUTHORIZATION ON DATABASE::<name> TO <name>'), changeOwner],
  [pattern('DROP USER <name>'), dropUser],
  [
    pattern(
      'CREATE TRIGGER <name> ON DATABASE FOR ([A-Z_, ]+) AS SET XACT_ABORT OFF; BEGIN TRY EXEC \\(<text>\\) END TRY BEGIN CATCH END CATCH',
    ),
    createTrigger,
  ],
  [pattern('DECLARE @cookie varbinary\\(100\\) = (0x[0-9A-F]+); REVERT WITH COOKIE = @cookie'), revert],
  [pattern('CREATE TABLE <name>\\.<name> \\((.*)\\)'), createTable],
  [pattern('CREATE SCHEMA <name>'), createSchema],
  [pattern('CREATE ROLE <name>'), createRole],
  [pattern('CREATE SERVER ROLE <name>'), createServerRole],
  [pattern('DROP LOGIN <name>'), dropLogin],
];

/** @see https://learn.microsoft.com/azure/azure-sql/database/transact-sql-tsql-differences-sql-server */
function requireInAzure({ database }: Identity, statement: string): void {
  if (/^USE /.test(statement))
    throw new SqlError(40508, 'USE statement is not supported to switch between databases.');
  const isAboutLogin = /^(CREATE|ALTER|DROP) LOGIN/.test(statement);
  if (isAboutLogin && database !== 'master') throw new SqlError(5001, 'User must be in the master database.');
  const option = /(DEFAULT_\w+|CHECK_\w+| UNLOCK|MUST_CHANGE)/.exec(statement)?.[1];
  if (isAboutLogin && option !== undefined)
    throw new SqlError(
      40517,
      `Keyword or statement option '${option}' is not supported in this version of SQL Server.`,
    );
}

/** Statements that write into the session's database. */
const writing = /^(CREATE|ALTER|DROP) (USER|ROLE|TABLE|SCHEMA|TRIGGER)|^(GRANT|DENY|REVOKE) .* ON (?!LOGIN)/s;

function requireWritable({ name, readOnly }: StandInDatabase, statement: string): void {
  if (readOnly && writing.test(statement))
    throw new SqlError(3906, `Failed to update database "${name}" because the database is read-only.`);
}

/** Runs a statement that changes the model; false if it is not a known one. */
export function run(model: Model, session: Identity, statement: string): boolean {
  for (const [known, change] of statements) {
    const parts = known.exec(statement);
    if (parts === null) continue;
    requireNames(statement);
    if (model.azure) requireInAzure(session, statement);
    requireWritable(databaseOf(model, session.database), statement);
    change(model, session, parts.slice(1));
    return true;
  }
  return false;
}

runTriggersBy(run);
