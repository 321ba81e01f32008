import { KeyturnError } from '../../src/rotator/index.ts';
import {
  type Account,
  type AccountKind,
  accountMissing,
  findLogin,
  findUser,
  type Login,
  type User,
  whereLoginsAre,
} from './account.ts';
import type { AlternatingCredential } from './credential.ts';
import { asDatabaseOwner } from './database-owner.ts';
import { binaryLiteral, quoteIdentifier, quoteLiteral } from './quoting.ts';
import { databaseRights, serverRights, statementsToFollow } from './rights.ts';
import { type DatabaseScope, eachScope } from './scopes.ts';
import type { SqlServerSession } from './session.ts';

/** What has to be done for a clone in one place: on the server, or in one database. */
export interface Step {
  /** The database; undefined for the server. */
  readonly database: string | undefined;
  readonly statements: readonly string[];
}

/**
 * Makes a clone able to do what the original can. Creates the clone's login, and a user in each database in which the
 * original has one. Gives them the rights that the original has in the catalogue. Each rotation repeats this. So the clone
 * gets later grants and denials, and a clone made by AWS's template is repaired. The original is never altered.
 *
 * @param sid the SID for a new login, if other servers have the login too
 * @param take does a step. The session is then in the step's database. A preflight only looks at the step
 * @returns whether the clone is new, and so has the pending password
 * @throws AccountMissing, PermissionDenied
 */
export async function prepareClone(
  session: SqlServerSession,
  pending: AlternatingCredential,
  account: Account,
  sid?: string,
  take: (step: Step, session: SqlServerSession) => Promise<void> = takeStep,
): Promise<{ readonly hasPassword: boolean }> {
  const { username: clone, pair } = pending;
  const { original } = pair;
  if (original === undefined || clone === original) return { hasPassword: false };
  const { kind } = account;
  let hasPassword = false;
  if (kind === 'login') {
    const made = await whereLoginsAre(session, account, async (there) => {
      const planned = await planLogin(there, original, pending, account, sid);
      await take(planned.step, there);
      return planned;
    });
    hasPassword = made.isNew;
  }
  await eachScope(session, { other: original, next: clone }, account, {
    server: async () => take(await planOnServer(session, original, clone), session),
    database: async (scope) => {
      if (scope.readOnly) return;
      const present = await scope.findNextUser();
      const user = present?.name ?? clone;
      const [from, to] = [
        await databaseRights(session, scope.otherUser.name),
        await databaseRights(session, user),
      ];
      await take(
        {
          database: scope.name,
          statements: [
            ...(await statementsForUser(session, scope, present, pending, account)),
            ...statementsToFollow('database', from, to),
          ],
        },
        session,
      );
      if (kind === 'contained user' && present === undefined) hasPassword = true;
    },
  });
  return { hasPassword };
}

async function takeStep({ database, statements }: Step, session: SqlServerSession): Promise<void> {
  if (database !== undefined) return asDatabaseOwner(session, statements);
  for (const statement of statements) await session.query(statement);
}

/**
 * As {@link prepareClone}, for the login only. For a replica: the users and their rights are replicated with the databases.
 */
export async function prepareLoginOnly(
  session: SqlServerSession,
  pending: AlternatingCredential,
  account: Account,
  sid: string | undefined,
): Promise<{ readonly hasPassword: boolean }> {
  const { username: clone, pair } = pending;
  const { original } = pair;
  if (original === undefined || clone === original) return { hasPassword: false };
  const { step, isNew } = await planLogin(session, original, pending, account, sid);
  await takeStep(step, session);
  await takeStep(await planOnServer(session, original, clone), session);
  return { hasPassword: isNew };
}

/** The step that gives a clone the original's rights on the server. The session has to be in master. */
async function planOnServer(session: SqlServerSession, original: string, clone: string): Promise<Step> {
  const [from, to] = [await serverRights(session, original), await serverRights(session, clone)];
  return { database: undefined, statements: statementsToFollow('server', from, to) };
}

/** The step that creates the clone's login, or gives it the original's defaults. */
async function planLogin(
  session: SqlServerSession,
  original: string,
  { username, password }: AlternatingCredential,
  { isAzure }: Account,
  sid: string | undefined,
): Promise<{ readonly step: Step; readonly isNew: boolean }> {
  const from = await findLogin(session, original);
  if (from === undefined) throw accountMissing('login', original);
  const to = await findLogin(session, username);
  const name = quoteIdentifier(username);
  // Azure SQL Database has neither defaults of logins nor checks that can be set.
  const defaults = isAzure ? [] : defaultsOf(from);
  const step = (statements: string[]): Step => ({ database: undefined, statements });
  if (to === undefined) {
    const checks = [
      `CHECK_EXPIRATION = ${onOff(from.expirationChecked)}`,
      `CHECK_POLICY = ${onOff(from.policyChecked)}`,
    ];
    const same = sid === undefined ? [] : [`SID = ${binaryLiteral(sid)}`];
    const options = [
      `PASSWORD = ${quoteLiteral(password)}`,
      ...same,
      ...defaults,
      ...(isAzure ? [] : checks),
    ];
    return { step: step([`CREATE LOGIN ${name} WITH ${options.join(', ')}`]), isNew: true };
  }
  const isSame = from.defaultDatabase === to.defaultDatabase && from.defaultLanguage === to.defaultLanguage;
  // CHECK_POLICY and CHECK_EXPIRATION of an existing clone stay as somebody has set them.
  if (isSame || defaults.length === 0) return { step: step([]), isNew: false };
  return { step: step([`ALTER LOGIN ${name} WITH ${defaults.join(', ')}`]), isNew: false };
}

function defaultsOf({ defaultDatabase, defaultLanguage }: Login): string[] {
  return [
    ...(defaultDatabase === null ? [] : [`DEFAULT_DATABASE = ${quoteIdentifier(defaultDatabase)}`]),
    ...(defaultLanguage === null ? [] : [`DEFAULT_LANGUAGE = ${quoteIdentifier(defaultLanguage)}`]),
  ];
}

function onOff(on: boolean): string {
  return on ? 'ON' : 'OFF';
}

/** The statements that create the clone's user, or give it the original's defaults. */
async function statementsForUser(
  session: SqlServerSession,
  { name: database, otherUser: other }: DatabaseScope,
  present: User | undefined,
  pending: AlternatingCredential,
  account: Account,
): Promise<string[]> {
  const defaults = userDefaults(other, account.kind);
  if (present === undefined) return createUser(session, database, pending, defaults, account);
  const same =
    other.defaultSchema === present.defaultSchema && other.defaultLanguage === present.defaultLanguage;
  if (same || defaults.length === 0) return [];
  return [`ALTER USER ${quoteIdentifier(present.name)} WITH ${defaults.join(', ')}`];
}

async function createUser(
  session: SqlServerSession,
  database: string,
  { username, password }: AlternatingCredential,
  defaults: readonly string[],
  { kind, isAzure }: Account,
): Promise<string[]> {
  const name = quoteIdentifier(username);
  const having = (options: readonly string[]): string =>
    options.length === 0 ? '' : ` WITH ${options.join(', ')}`;
  if (kind === 'contained user')
    return [`CREATE USER ${name}${having([`PASSWORD = ${quoteLiteral(password)}`, ...defaults])}`];
  // A restored database may hold a user whose login was on another server. The user then gets the clone's login.
  const orphan = await findUser(session, username);
  // A database of Azure does not tell the login of a user.
  const owner = isAzure && orphan !== undefined ? 'that has its SID' : orphan?.login;
  // Lambda may deliver an event twice. The other invocation may have created the user meanwhile.
  if (owner === username) return [];
  if (typeof owner === 'string') throw belongsToAnother(username, owner, database);
  return orphan === undefined
    ? [`CREATE USER ${name} FOR LOGIN ${name}${having(defaults)}`]
    : [`ALTER USER ${name}${having([`LOGIN = ${name}`, ...defaults])}`];
}

function belongsToAnother(user: string, login: string, database: string): KeyturnError {
  return new KeyturnError(
    'PermissionDenied',
    `${database} has a user ${user} already, which is the login ${login} there.`,
    `Rename that user, or make one for the login ${user} under another name, and rotate again.`,
  );
}

/** Only users of contained databases can have a default language of their own. */
function userDefaults({ defaultSchema, defaultLanguage }: User, kind: AccountKind): string[] {
  const schema = defaultSchema === null ? [] : [`DEFAULT_SCHEMA = ${quoteIdentifier(defaultSchema)}`];
  if (kind === 'login' || defaultLanguage === null) return schema;
  return [...schema, `DEFAULT_LANGUAGE = ${quoteIdentifier(defaultLanguage)}`];
}
