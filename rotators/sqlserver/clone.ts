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

/** What has to be done for a clone in one place. */
export interface Step {
  /** The database; undefined for the server. */
  readonly database: string | undefined;
  readonly statements: readonly string[];
}

/**
 * Makes a clone able to stand in for the original: creates the login, and a user in each database where the original
 * has one, and gives it what the catalogue says that the original holds. Repeated at each rotation, so that what was
 * granted or denied since follows, and a clone made by AWS's template is mended. The original is never altered.
 *
 * @param sid of a login that has to be made, where other servers have it too
 * @param take does a step, with its place as the session's database; a preflight only looks at it
 * @returns whether the clone was made now, and so has the pending password
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

/** The same for the login alone, on a replica: users and their rights come with the databases. */
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

/** With master as the session's database. */
async function planOnServer(session: SqlServerSession, original: string, clone: string): Promise<Step> {
  const [from, to] = [await serverRights(session, original), await serverRights(session, clone)];
  return { database: undefined, statements: statementsToFollow('server', from, to) };
}

/** What makes the login as the original is. */
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
  // CHECK_POLICY and CHECK_EXPIRATION of a clone that is there already stay as somebody has set them.
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

/** The statements after which the clone's user is as the other's. */
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
  // A restored database may hold a user whose login was on another server: it is tied to this one's.
  const orphan = await findUser(session, username);
  // A database of Azure does not tell whose it is.
  const owner = isAzure && orphan !== undefined ? 'that has its SID' : orphan?.login;
  // The same event, delivered twice at once, may have made it since it was looked for.
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

/** A language of their own is for users of contained databases alone. */
function userDefaults({ defaultSchema, defaultLanguage }: User, kind: AccountKind): string[] {
  const schema = defaultSchema === null ? [] : [`DEFAULT_SCHEMA = ${quoteIdentifier(defaultSchema)}`];
  if (kind === 'login' || defaultLanguage === null) return schema;
  return [...schema, `DEFAULT_LANGUAGE = ${quoteIdentifier(defaultLanguage)}`];
}
