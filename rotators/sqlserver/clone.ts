import { KeyturnError } from '../../src/rotator/index.ts';
import {
  type Account,
  type AccountKind,
  accountMissing,
  findLogin,
  findUser,
  type Login,
  type User,
} from './account.ts';
import type { AlternatingCredential } from './alternating-users.ts';
import { asDatabaseOwner } from './database-owner.ts';
import { databaseHoldings, serverHoldings, statementsToFollow } from './holdings.ts';
import { binaryLiteral, quoteIdentifier, quoteLiteral } from './quoting.ts';
import { type DatabaseScope, eachScope } from './scopes.ts';
import type { SqlServerSession } from './session.ts';

/**
 * Makes a clone able to stand in for the original: creates the login, and a user in each database where the original
 * has one, and gives it what the catalogue says that the original holds. Repeated at each rotation, so that what was
 * granted or denied since follows, and a clone made by AWS's template is mended. The original is never altered.
 *
 * @returns whether the clone was made now, and so has the pending password
 */
export async function prepareClone(
  session: SqlServerSession,
  pending: AlternatingCredential,
  account: Account,
  sid?: string,
): Promise<{ readonly hasPassword: boolean }> {
  const { username: clone, pair } = pending;
  const { original } = pair;
  if (original === undefined || clone === original) return { hasPassword: false };
  const { kind } = account;
  let hasPassword = kind === 'login' && (await prepareLogin(session, original, pending, sid));
  await eachScope(session, { other: original, next: clone }, account, {
    server: () => followOnServer(session, original, clone),
    database: async (scope) => {
      if (scope.readOnly) return;
      const present = await scope.findNextUser();
      const user = present?.name ?? clone;
      const [from, to] = [
        await databaseHoldings(session, scope.otherUser.name),
        await databaseHoldings(session, user),
      ];
      await asDatabaseOwner(session, [
        ...(await statementsForUser(session, scope, present, pending, kind)),
        ...statementsToFollow('database', from, to),
      ]);
      if (kind === 'contained user' && present === undefined) hasPassword = true;
    },
  });
  return { hasPassword };
}

/** The same for the login alone, on a replica: users and their rights come with the databases. */
export async function prepareLoginOnly(
  session: SqlServerSession,
  pending: AlternatingCredential,
  sid: string | undefined,
): Promise<{ readonly hasPassword: boolean }> {
  const { username: clone, pair } = pending;
  const { original } = pair;
  if (original === undefined || clone === original) return { hasPassword: false };
  const hasPassword = await prepareLogin(session, original, pending, sid);
  await followOnServer(session, original, clone);
  return { hasPassword };
}

/** With master as the session's database. */
async function followOnServer(session: SqlServerSession, original: string, clone: string): Promise<void> {
  const [from, to] = [await serverHoldings(session, original), await serverHoldings(session, clone)];
  for (const statement of statementsToFollow('server', from, to)) await session.query(statement);
}

/** @returns whether the login was made now, with the pending password */
async function prepareLogin(
  session: SqlServerSession,
  original: string,
  { username, password }: AlternatingCredential,
  sid: string | undefined,
): Promise<boolean> {
  const from = await findLogin(session, original);
  if (from === undefined) throw accountMissing('login', original);
  const to = await findLogin(session, username);
  const name = quoteIdentifier(username);
  const defaults = defaultsOf(from);
  if (to === undefined) {
    const checks = [
      `CHECK_EXPIRATION = ${onOff(from.expirationChecked)}`,
      `CHECK_POLICY = ${onOff(from.policyChecked)}`,
    ];
    const same = sid === undefined ? [] : [`SID = ${binaryLiteral(sid)}`];
    const options = [`PASSWORD = ${quoteLiteral(password)}`, ...same, ...defaults, ...checks];
    await session.query(`CREATE LOGIN ${name} WITH ${options.join(', ')}`);
  } else if (from.defaultDatabase !== to.defaultDatabase || from.defaultLanguage !== to.defaultLanguage) {
    // CHECK_POLICY and CHECK_EXPIRATION of a clone that is there already stay as somebody has set them.
    if (defaults.length > 0) await session.query(`ALTER LOGIN ${name} WITH ${defaults.join(', ')}`);
  }
  return to === undefined;
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
  kind: AccountKind,
): Promise<string[]> {
  const defaults = userDefaults(other, kind);
  if (present === undefined) return [await createUser(session, database, pending, defaults, kind)];
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
  kind: AccountKind,
): Promise<string> {
  const name = quoteIdentifier(username);
  const having = (options: readonly string[]): string =>
    options.length === 0 ? '' : ` WITH ${options.join(', ')}`;
  if (kind === 'contained user')
    return `CREATE USER ${name}${having([`PASSWORD = ${quoteLiteral(password)}`, ...defaults])}`;
  // A restored database may hold a user whose login was on another server: it is tied to this one's.
  const orphan = await findUser(session, username);
  if (typeof orphan?.login === 'string') throw belongsToAnother(username, orphan.login, database);
  return orphan === undefined
    ? `CREATE USER ${name} FOR LOGIN ${name}${having(defaults)}`
    : `ALTER USER ${name}${having([`LOGIN = ${name}`, ...defaults])}`;
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
