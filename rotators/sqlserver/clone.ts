import {
  type AccountKind,
  accountKind,
  accountMissing,
  findLogin,
  findUser,
  type Login,
  type User,
} from './account.ts';
import type { AlternatingCredential } from './alternating-users.ts';
import { databaseHoldings, serverHoldings, statementsToFollow } from './holdings.ts';
import { quoteIdentifier, quoteLiteral } from './quoting.ts';
import { eachScope } from './scopes.ts';
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
): Promise<{ readonly hasPassword: boolean }> {
  const { username: clone, pair } = pending;
  const { original } = pair;
  if (original === undefined || clone === original) return { hasPassword: false };
  const { kind } = await accountKind(session, original);
  let hasPassword = kind === 'login' && (await prepareLogin(session, original, pending));
  await eachScope(
    session,
    { other: original, next: clone },
    {
      server: () => follow(session, 'server', original, clone),
      database: async (scope) => {
        if (scope.readOnly) return;
        const present = await scope.findNextUser();
        const user = present?.name ?? clone;
        await prepareUser(session, scope.otherUser, present, pending, kind);
        if (kind === 'contained user' && present === undefined) hasPassword = true;
        await follow(session, 'database', scope.otherUser.name, user);
      },
    },
  );
  return { hasPassword };
}

async function follow(
  session: SqlServerSession,
  scope: 'server' | 'database',
  original: string,
  clone: string,
): Promise<void> {
  const read = scope === 'server' ? serverHoldings : databaseHoldings;
  const statements = statementsToFollow(scope, await read(session, original), await read(session, clone));
  for (const statement of statements) await session.query(statement);
}

/** @returns whether the login was made now, with the pending password */
async function prepareLogin(
  session: SqlServerSession,
  original: string,
  { username, password }: AlternatingCredential,
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
    const options = [`PASSWORD = ${quoteLiteral(password)}`, ...defaults, ...checks];
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

async function prepareUser(
  session: SqlServerSession,
  other: User,
  present: User | undefined,
  pending: AlternatingCredential,
  kind: AccountKind,
): Promise<void> {
  const defaults = userDefaults(other, kind);
  if (present === undefined) return createUser(session, pending, defaults, kind);
  const same =
    other.defaultSchema === present.defaultSchema && other.defaultLanguage === present.defaultLanguage;
  if (same || defaults.length === 0) return;
  await session.query(`ALTER USER ${quoteIdentifier(present.name)} WITH ${defaults.join(', ')}`);
}

async function createUser(
  session: SqlServerSession,
  { username, password }: AlternatingCredential,
  defaults: readonly string[],
  kind: AccountKind,
): Promise<void> {
  const name = quoteIdentifier(username);
  const having = (options: readonly string[]): string =>
    options.length === 0 ? '' : ` WITH ${options.join(', ')}`;
  if (kind === 'contained user') {
    await session.query(
      `CREATE USER ${name}${having([`PASSWORD = ${quoteLiteral(password)}`, ...defaults])}`,
    );
    return;
  }
  // A restored database may hold a user whose login was on another server: it is tied to this one's.
  const orphan = await findUser(session, username);
  await session.query(
    orphan === undefined
      ? `CREATE USER ${name} FOR LOGIN ${name}${having(defaults)}`
      : `ALTER USER ${name}${having([`LOGIN = ${name}`, ...defaults])}`,
  );
}

/** A language of their own is for users of contained databases alone. */
function userDefaults({ defaultSchema, defaultLanguage }: User, kind: AccountKind): string[] {
  const schema = defaultSchema === null ? [] : [`DEFAULT_SCHEMA = ${quoteIdentifier(defaultSchema)}`];
  if (kind === 'login' || defaultLanguage === null) return schema;
  return [...schema, `DEFAULT_LANGUAGE = ${quoteIdentifier(defaultLanguage)}`];
}
