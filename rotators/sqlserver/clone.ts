import type { RotatorContext } from '../../src/index.ts';
import { accountKind, accountMissing, findLogin, findUser, type Login, type User } from './account.ts';
import type { AlternatingCredential } from './alternating-users.ts';
import { databaseHoldings, serverHoldings, statementsToFollow } from './holdings.ts';
import { quoteIdentifier, quoteLiteral } from './quoting.ts';
import { type DatabaseScope, eachScope } from './scopes.ts';
import type { SqlServerSession } from './session.ts';

/**
 * Makes a clone able to stand in for the original: creates the login, and a user in each database where the original
 * has one, and gives it what the catalogue says that the original holds. Repeated at each rotation, so that what was
 * granted or denied since follows, and a clone made by AWS's template is mended. The original is never altered.
 */
export async function prepareClone(
  session: SqlServerSession,
  pending: AlternatingCredential,
  context: RotatorContext,
): Promise<void> {
  const { username: clone, pair } = pending;
  const { original } = pair;
  if (original === undefined || clone === original) return;
  const { kind } = await accountKind(session, original);
  if (kind === 'login') await prepareLogin(session, original, pending);
  await eachScope(
    session,
    { other: original, next: clone },
    {
      server: () => follow(session, 'server', original, clone),
      database: async (scope) => {
        if (scope.readOnly) return;
        const user = await prepareUser(session, scope, pending, kind === 'login');
        await follow(session, 'database', scope.otherUser.name, user);
      },
      unseen: (names) =>
        context.note(
          `The admin may not enter ${names.join(', ')}: what ${original} may do there is not copied.`,
        ),
    },
  );
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

async function prepareLogin(
  session: SqlServerSession,
  original: string,
  { username, password }: AlternatingCredential,
): Promise<void> {
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

/** @returns the name of the clone's user, in the session's database */
async function prepareUser(
  session: SqlServerSession,
  { otherUser, findNextUser }: DatabaseScope,
  { username, password }: AlternatingCredential,
  ofLogin: boolean,
): Promise<string> {
  const present = await findNextUser();
  const name = quoteIdentifier(present?.name ?? username);
  const defaults = userDefaults(otherUser, ofLogin);
  if (present === undefined) {
    const source = ofLogin ? ` FOR LOGIN ${quoteIdentifier(username)}` : '';
    const options = [...(ofLogin ? [] : [`PASSWORD = ${quoteLiteral(password)}`]), ...defaults];
    // A restored database may hold a user whose login was on another server: it is tied to this one's.
    const orphan = ofLogin ? await findUser(session, username) : undefined;
    const statement = orphan === undefined ? `CREATE USER ${name}${source}` : `ALTER USER ${name}`;
    const all = orphan === undefined ? options : [`LOGIN = ${quoteIdentifier(username)}`, ...options];
    await session.query(all.length === 0 ? statement : `${statement} WITH ${all.join(', ')}`);
  } else if (
    otherUser.defaultSchema !== present.defaultSchema ||
    otherUser.defaultLanguage !== present.defaultLanguage
  ) {
    if (defaults.length > 0) await session.query(`ALTER USER ${name} WITH ${defaults.join(', ')}`);
  }
  return present?.name ?? username;
}

/** A language of their own is for users of contained databases alone. */
function userDefaults({ defaultSchema, defaultLanguage }: User, ofLogin: boolean): string[] {
  const schema = defaultSchema === null ? [] : [`DEFAULT_SCHEMA = ${quoteIdentifier(defaultSchema)}`];
  if (ofLogin || defaultLanguage === null) return schema;
  return [...schema, `DEFAULT_LANGUAGE = ${quoteIdentifier(defaultLanguage)}`];
}
