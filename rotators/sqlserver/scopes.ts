import { type Account, accountMissing, findLogin, findUser, type User, whereLoginsAre } from './account.ts';
import { databasesStatement, userOfLoginStatement, userOfSidStatement } from './catalogue.ts';
import type { SqlServerSession } from './session.ts';

/** A database in which the other account has a user. */
export interface DatabaseScope {
  readonly name: string;
  readonly readOnly: boolean;
  readonly otherUser: User;
  /** The next account's user there, if it has one. */
  findNextUser(): Promise<User | undefined>;
}

/** The usernames of two accounts whose rights are compared. */
export interface AccountPair {
  readonly other: string;
  readonly next: string;
}

interface DatabaseRow {
  readonly name: string;
  readonly readOnly: boolean;
  readonly accessible: number | null;
  readonly visible: number | null;
}

/** RDS keeps this database to itself. No application has a user in it. */
const hiddenByRds = 'rdsadmin';

/**
 * Visits, as an admin, the server and each database in which the other account has a user. For contained users this is
 * only their own database. During a visit the session is in the database; afterwards it is back where it was.
 *
 * @param visit `unseen` gets the databases that the admin may not enter, or in which it may not see all users
 * @throws AccountMissing if there is no other account, or the admin may not see it
 */
export async function eachScope(
  session: SqlServerSession,
  pair: AccountPair,
  account: Account,
  visit: {
    server?(): Promise<void>;
    database(scope: DatabaseScope): Promise<void>;
    unseen?(names: string[]): void;
  },
): Promise<void> {
  const { kind, isAzure, database } = account;
  if (kind === 'contained user') {
    const otherUser = await findUser(session, pair.other);
    if (otherUser === undefined) throw accountMissing(kind, pair.other);
    const findNextUser = () => findUser(session, pair.next);
    return visit.database({ name: database, readOnly: false, otherUser, findNextUser });
  }
  if (isAzure) return visitAzure(session, pair, account, visit);
  if ((await findLogin(session, pair.other)) === undefined) throw accountMissing(kind, pair.other);
  await visitServer(session, pair, visit);
  await session.use(database);
}

async function visitServer(
  session: SqlServerSession,
  pair: AccountPair,
  visit: Parameters<typeof eachScope>[3],
): Promise<void> {
  // Permissions on the server can be granted only in master (error 4621).
  await session.use('master');
  await visit.server?.();
  const databases = await session.query<DatabaseRow>(databasesStatement);
  const unseen = databases.filter(
    (one) => (one.accessible !== 1 || one.visible !== 1) && one.name !== hiddenByRds,
  );
  if (unseen.length > 0) visit.unseen?.(unseen.map(({ name }) => name));
  for (const { name, readOnly, accessible } of databases) {
    if (accessible !== 1) continue;
    await session.use(name);
    const otherUser = await userOfLogin(session, pair.other);
    if (otherUser === undefined) continue;
    await visit.database({ name, readOnly, otherUser, findNextUser: () => userOfLogin(session, pair.next) });
  }
}

/** The user that a login has in the session's database. */
export async function userOfLogin(session: SqlServerSession, username: string): Promise<User | undefined> {
  const [user] = await session.query<User>(userOfLoginStatement, { username });
  return user;
}

/**
 * In Azure SQL Database the logins are in master, and a session sees only its own database: that of the secret. The
 * users there are found by the logins' SIDs, since that database does not tell the names of other logins.
 */
async function visitAzure(
  session: SqlServerSession,
  { other, next }: AccountPair,
  account: Account,
  visit: Parameters<typeof eachScope>[3],
): Promise<void> {
  const sids = await whereLoginsAre(session, account, async (master) => ({
    other: (await findLogin(master, other))?.sid,
    next: (await findLogin(master, next))?.sid,
  }));
  if (sids.other === undefined) throw accountMissing('login', other);
  const otherUser = await userOfSid(session, sids.other);
  if (otherUser === undefined) return;
  const findNextUser = () => userOfSid(session, sids.next);
  await visit.database({ name: account.database, readOnly: false, otherUser, findNextUser });
}

async function userOfSid(session: SqlServerSession, sid: string | undefined): Promise<User | undefined> {
  if (sid === undefined) return undefined;
  const [user] = await session.query<User>(userOfSidStatement, { sid });
  return user;
}
