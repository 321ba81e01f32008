import { grantOf, grantStatement } from './grants.ts';
import {
  addDatabase,
  addLogin,
  databaseOf,
  type Identity,
  type Model,
  mayEnter,
  requirePolicy,
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
import { optionsOf, pattern, plainName, plainText } from './text.ts';
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
  // A sysadmin's password is a sysadmin's to change.
  const mayAlterThis =
    mayAlter && (login?.roles.has('sysadmin') !== true || mayOnServer(model, session, 'CONTROL SERVER'));
  if (login === undefined || (!bySelf && !mayAlterThis)) throw noSuch('login', plainName(quoted));
  if (bySelf && !mayAlter && plainText(oldPassword) !== login.password) throw noSuch('login', login.name);
  requirePolicy(login, plainText(password));
  login.usedBefore.push(login.password, plainText(password));
  login.password = plainText(password);
  const lifted =
    login.barred === 18487 || login.barred === 18488 || (unlock !== undefined && login.barred === 18486);
  if (lifted) login.barred = undefined;
  if (mustChange !== undefined) login.barred = 18488;
};

const disableLogin: Run = (model, session, [quoted]) => {
  requireOnServer(model, session, 'ALTER ANY LOGIN');
  const login = model.logins.get(plainName(quoted));
  if (login !== undefined) login.barred = 18470;
};

const alterUserPassword: Run = (model, session, [quoted, password, oldPassword]) => {
  const user = databaseOf(model, session.database).users.get(plainName(quoted));
  const bySelf = session.containedIn !== undefined && session.name === user?.name;
  const proven = bySelf && plainText(oldPassword) === user?.password;
  if (user?.password === undefined || (!proven && !ownsDatabase(model, session)))
    throw noSuch('user', plainName(quoted));
  user.password = plainText(password);
  fire(model, session, 'ALTER_USER');
};

const createLogin: Run = (model, session, [quoted, list]) => {
  requireOnServer(model, session, 'ALTER ANY LOGIN');
  const [login, options] = [plainName(quoted), optionsOf(list)];
  if (model.logins.has(login)) throw new SqlError(15025, `The server principal '${login}' already exists.`);
  const made = addLogin(model, login, options.get('PASSWORD') ?? '');
  made.policyChecked = options.get('CHECK_POLICY') !== 'OFF';
  made.expirationChecked = options.get('CHECK_EXPIRATION') === 'ON';
  made.defaultDatabase = options.get('DEFAULT_DATABASE') ?? 'master';
  made.defaultLanguage = options.get('DEFAULT_LANGUAGE') ?? 'us_english';
  made.grants.push(grantOf('CONNECT SQL', undefined, undefined, 'G', true));
  try {
    requirePolicy(made, made.password);
  } catch (error) {
    model.logins.delete(login);
    throw error;
  }
};

const alterLoginDefaults: Run = (model, session, [quoted, list]) => {
  requireOnServer(model, session, 'ALTER ANY LOGIN');
  const [login, options] = [model.logins.get(plainName(quoted)), optionsOf(list)];
  if (login === undefined) throw noSuch('login', plainName(quoted));
  login.defaultDatabase = options.get('DEFAULT_DATABASE') ?? login.defaultDatabase;
  login.defaultLanguage = options.get('DEFAULT_LANGUAGE') ?? login.defaultLanguage;
};

const createUser: Run = (model, session, [quoted, login, list]) => {
  requireInDatabase(model, session);
  const database = databaseOf(model, session.database);
  const [user, options] = [plainName(quoted), optionsOf(list)];
  if (database.users.has(user)) throw new SqlError(15023, `User, group, or role '${user}' already exists.`);
  if (login === undefined && !database.contained)
    throw new SqlError(33233, 'You can only create a user with a password in a contained database.');
  database.users.set(user, {
    name: user,
    login: login === undefined ? undefined : plainName(login),
    password: options.get('PASSWORD'),
    defaultSchema: options.get('DEFAULT_SCHEMA') ?? 'dbo',
    defaultLanguage: options.get('DEFAULT_LANGUAGE') ?? null,
    roles: new Set(),
    grants: [grantOf('CONNECT', 'DATABASE', [database.name], 'G')],
  });
  fire(model, session, 'CREATE_USER');
};

const dropUser: Run = (model, session, [quoted]) => {
  requireInDatabase(model, session);
  const { name } = userIn(model, session, plainName(quoted));
  databaseOf(model, session.database).users.delete(name);
  fire(model, session, 'DROP_USER');
};

const alterUser: Run = (model, session, [quoted, list]) => {
  requireInDatabase(model, session);
  const [user, options] = [userIn(model, session, plainName(quoted)), optionsOf(list)];
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
  if (!isSysadmin(model, session) || login === undefined) throw noSuch('server role', plainName(role));
  login.roles.add(plainName(role));
};

const addToRole: Run = (model, session, [role, member]) => {
  requireInDatabase(model, session);
  userIn(model, session, plainName(member)).roles.add(plainName(role));
  fire(model, session, 'ADD_ROLE_MEMBER');
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
  // A user who is acted as by EXECUTE AS is nobody in another database.
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
  [pattern('ALTER LOGIN <name> DISABLE'), disableLogin],
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
  // Objects and roles are not kept: permissions on them are.
  [pattern('CREATE (?:TABLE|SCHEMA|ROLE) .*'), requireInDatabase],
];

/** Runs a statement that changes something; false where it is not one of those that are known. */
export function run(model: Model, session: Identity, statement: string): boolean {
  for (const [known, change] of statements) {
    const parts = known.exec(statement);
    if (parts === null) continue;
    change(model, session, parts.slice(1));
    return true;
  }
  return false;
}

runTriggersBy(run);
