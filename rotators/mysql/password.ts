import { createHash } from 'node:crypto';
import { type ChangeContext, KeyturnError } from '../../src/rotator/index.ts';
import { setOnce } from '../database/change.ts';
import { isExpired, isNotPrimary, isPolicyRefusal, isRightMissing, numberOf } from './classify.ts';
import type { MysqlCredential } from './credential.ts';
import { readWays, type Way } from './grants.ts';
import { type Account, quoteAccount, quoteLiteral } from './quoting.ts';
import type { MysqlSession, Open } from './session.ts';

/** A change of the password of one user. */
export interface PasswordChange {
  readonly pending: MysqlCredential;
  readonly context: ChangeContext<MysqlCredential, MysqlSession>;
  readonly open: Open;
}

/**
 * Changes the password of the session's user. If the user or an admin has the right, the server keeps the old password
 * too. Otherwise the old password ends, and `overlapping` is not called.
 */
export async function changeOwnPassword(session: MysqlSession, change: PasswordChange): Promise<void> {
  // Setting it again could drop the other password that the server keeps.
  if (change.context.using.password === change.pending.password) return;
  const { isMariaDb } = await session.server();
  const keep = isMariaDb ? keepBothInMariaDb : keepBothInMysql;
  if (await keep(session, change)) return;
  const { pending, context, open } = change;
  context.note(
    'Neither the user nor an admin may have the server keep two passwords: the old one ends with the change.',
  );
  await setOnce(
    () => replacePrimary(session, isMariaDb, change),
    isPolicyRefusal,
    () => open(pending, context),
  );
}

/** Sets the first password, for a user that may do no more than that. */
async function replacePrimary(
  session: MysqlSession,
  isMariaDb: boolean,
  { pending, context: { using } }: PasswordChange,
): Promise<void> {
  const next = quoteLiteral(pending.password);
  if (isMariaDb) {
    await requirePasswordFirst(session);
    // Send a hash, as in setInMariaDb.
    try {
      await session.query(`SET PASSWORD = ${quoteLiteral(nativeHash(pending.password))}`);
    } catch (error) {
      if (!isPolicyRefusal(error)) throw error;
      await session.query(`SET PASSWORD = PASSWORD(${next})`);
    }
    return;
  }
  try {
    await session.query(`ALTER USER USER() IDENTIFIED BY ${next} REPLACE ${quoteLiteral(using.password)}`);
  } catch (error) {
    // The login used the second password, which stays. An interrupted rotation has set the first.
    if (!isNotPrimary(error)) throw error;
    await session.query(`ALTER USER USER() IDENTIFIED BY ${next}`);
  }
}

/**
 * RETAIN CURRENT PASSWORD makes the first password the second one, and drops the second. Repeated, it would drop
 * AWSCURRENT's password. So the statement also says REPLACE: the server then checks that the login used the first
 * password. If the login used the second, only the first is set, and the second stays.
 *
 * @returns whether the password was changed
 * @see https://dev.mysql.com/doc/refman/8.4/en/password-management.html#dual-passwords
 */
async function keepBothInMysql(session: MysqlSession, change: PasswordChange): Promise<boolean> {
  const { pending, context, open } = change;
  const [next, used] = [quoteLiteral(pending.password), quoteLiteral(context.using.password)];
  let isPrimary = true;
  const set = async (): Promise<void> => {
    try {
      await session.query(`ALTER USER USER() IDENTIFIED BY ${next} REPLACE ${used} RETAIN CURRENT PASSWORD`);
    } catch (error) {
      if (!isNotPrimary(error)) throw error;
      isPrimary = false;
      await session.query(`ALTER USER USER() IDENTIFIED BY ${next}`);
    }
  };
  try {
    // 3892: the policy asks for the first password. Only the interrupted rotation has known it.
    await setOnce(
      set,
      (error) => isPolicyRefusal(error) || numberOf(error) === 3892,
      () => open(pending, context),
    );
  } catch (error) {
    if (!isRightMissing(error) || !isPrimary) throw error;
    return keepBothByAdmin(session, change);
  }
  reportOverlap(change);
  return true;
}

/** The longest wait for another invocation that changes the same account, in s. */
const longestWaitSeconds = 10;

/**
 * An admin can't use REPLACE for another user. So the user sets its password to the same value. That does nothing if it
 * is the first password, and fails if it is the second. A lock keeps a second invocation out until the admin is done.
 */
async function keepBothByAdmin(session: MysqlSession, change: PasswordChange): Promise<boolean> {
  const { pending, context } = change;
  const admin = await context.admin?.();
  if (admin === undefined) return false;
  const { account } = await session.server();
  return locked(admin, account, async () => {
    const isPrimary = await isPrimaryPassword(session, context.using.password);
    if (isPrimary === undefined) {
      context.note(
        "The account's password policy hides which of two passwords is the first, so that the old one can't be kept: grant the account APPLICATION_PASSWORD_ADMIN.",
      );
      return false;
    }
    const retain = isPrimary ? ' RETAIN CURRENT PASSWORD' : '';
    await setOnce(
      async () => {
        const next = quoteLiteral(pending.password);
        await admin.query(`ALTER USER ${quoteAccount(account)} IDENTIFIED BY ${next}${retain}`);
      },
      isPolicyRefusal,
      () => change.open(pending, context),
    );
    reportOverlap(change);
    return true;
  });
}

/** Whether a password is the first one of the session's user. Undefined if the account's password history hides this. */
async function isPrimaryPassword(session: MysqlSession, password: string): Promise<boolean | undefined> {
  const own = quoteLiteral(password);
  try {
    await session.query(`ALTER USER USER() IDENTIFIED BY ${own} REPLACE ${own}`);
    return true;
  } catch (error) {
    if (isNotPrimary(error)) return false;
    if (isPolicyRefusal(error)) return undefined;
    throw error;
  }
}

/** Does work while holding a lock on an account. @throws an error with the number of a busy server (1205) */
async function locked<T>(admin: MysqlSession, account: Account, work: () => Promise<T>): Promise<T> {
  const digest = createHash('sha256').update(quoteAccount(account)).digest('hex').slice(0, 32);
  const name = quoteLiteral(`keyturn:${digest}`);
  const [row] = await admin.query<{ got: number | null }>(
    `SELECT GET_LOCK(${name}, ${longestWaitSeconds}) AS got`,
  );
  if (row?.got !== 1)
    throw Object.assign(new Error('Another change of the account takes too long.'), { errno: 1205 });
  try {
    return await work();
  } finally {
    // If the connection is lost, the server releases the lock.
    await admin.query(`SELECT RELEASE_LOCK(${name})`).catch(() => undefined);
  }
}

/**
 * MariaDB keeps several ways to log in. The statement names both passwords, so it can be repeated.
 *
 * @returns whether the password was changed
 * @see https://mariadb.com/docs/server/reference/sql-statements/account-management-sql-statements/create-user
 */
async function keepBothInMariaDb(session: MysqlSession, change: PasswordChange): Promise<boolean> {
  const { pending, context } = change;
  const { account } = await session.server();
  const ways = await waysToLogIn(session, account);
  const set = (by: MysqlSession): Promise<void> =>
    setInMariaDb(by, account, [pending.password, context.using.password], ways);
  try {
    await set(session);
  } catch (error) {
    if (!isRightMissing(error)) throw error;
    const admin = await context.admin?.();
    if (admin === undefined) return false;
    await set(admin);
  }
  reportOverlap(change);
  return true;
}

const nativePassword = 'mysql_native_password';
/** Ways to log in for which the server keeps no password. They are left as they are. */
const withoutPassword = ['unix_socket', 'pam', 'gssapi', 'named_pipe'];

/**
 * An account's ways to log in. A user may always see its own, and an admin all.
 *
 * @throws PermissionDenied if one of them has a password of its own, which would go on working
 */
export async function waysToLogIn(session: MysqlSession, account: Account): Promise<readonly Way[]> {
  const [row = {}] = await session.query<object>(`SHOW CREATE USER ${quoteAccount(account)}`);
  const ways = readWays(String(Object.values(row)[0]));
  const other = ways.find(({ plugin }) => plugin !== nativePassword && !withoutPassword.includes(plugin));
  if (other === undefined) return ways;
  throw new KeyturnError(
    'PermissionDenied',
    `Nothing was changed: ${quoteAccount(account)} also logs in by ${other.plugin}, whose password Keyturn can not set.`,
    `Leave it only ${nativePassword} (ALTER USER ... IDENTIFIED VIA ...), or rotate another account.`,
  );
}

/**
 * SET PASSWORD reaches only the first way to log in. If that has no password, MariaDB 10.11 sets the second one, and
 * reports an error all the same.
 *
 * @throws PermissionDenied
 */
export async function requirePasswordFirst(session: MysqlSession): Promise<void> {
  const { account } = await session.server();
  const [first] = await waysToLogIn(session, account);
  if (first?.plugin === nativePassword) return;
  throw new KeyturnError(
    'PermissionDenied',
    `Nothing was changed: ${quoteAccount(account)} logs in by ${first?.plugin} before its password, so it can not set that by itself.`,
    'Name an admin secret, or put the password first (ALTER USER ... IDENTIFIED VIA ...).',
  );
}

/**
 * Makes the server accept only the password that the session logged in with, and end the other.
 *
 * @see https://dev.mysql.com/doc/refman/8.4/en/alter-user.html#alter-user-dual-passwords
 */
export async function endOldPassword(
  session: MysqlSession,
  { password }: MysqlCredential,
  { note, admin }: ChangeContext<MysqlCredential, MysqlSession>,
): Promise<void> {
  const { isMariaDb, account } = await session.server();
  const byWhoeverMay = async (work: (by: MysqlSession) => Promise<unknown>): Promise<void> => {
    try {
      await work(session);
    } catch (error) {
      if (!isRightMissing(error)) throw error;
      const opened = await admin?.();
      if (opened === undefined) throw error;
      await work(opened);
    }
  };
  if (isMariaDb) {
    const ways = await waysToLogIn(session, account);
    if (ways.filter(({ plugin }) => plugin === nativePassword).length < 2) return;
    return byWhoeverMay((by) => setInMariaDb(by, account, [password], ways));
  }
  const isPrimary = await isPrimaryPassword(session, password);
  if (isPrimary === undefined) {
    note("The account's password policy hides which of two passwords is the first: the old one stays.");
    return;
  }
  if (!isPrimary) await session.query(`ALTER USER USER() IDENTIFIED BY ${quoteLiteral(password)}`);
  await byWhoeverMay((by) => by.query(`ALTER USER ${quoteAccount(account)} DISCARD OLD PASSWORD`));
}

/**
 * Gives an account these passwords and no other, in the place of its first password. Its other ways to log in stay.
 *
 * The server gets hashes, so that no password is in a log. A server whose policy has to see passwords
 * (strict_password_validation) gets the passwords.
 *
 * @param ways what the account has now
 */
async function setInMariaDb(
  session: MysqlSession,
  account: Account,
  passwords: readonly string[],
  ways: readonly Way[],
): Promise<void> {
  const at = Math.max(
    0,
    ways.findIndex(({ plugin }) => plugin === nativePassword),
  );
  const rest = (part: readonly Way[]): string[] =>
    part.filter(({ plugin }) => plugin !== nativePassword).map(({ text }) => text);
  await sendPasswords(passwords, async (written) => {
    const all = [...rest(ways.slice(0, at)), ...written, ...rest(ways.slice(at))];
    await session.query(`ALTER USER ${quoteAccount(account)} IDENTIFIED VIA ${all.join(' OR ')}`);
  });
}

/** Creates an account with one password, if it does not exist. */
export async function createInMariaDb(
  admin: MysqlSession,
  account: Account,
  password: string,
): Promise<void> {
  await sendPasswords([password], async ([way]) => {
    await admin.query(`CREATE USER IF NOT EXISTS ${quoteAccount(account)} IDENTIFIED VIA ${way}`);
  });
}

async function sendPasswords(
  passwords: readonly string[],
  send: (ways: readonly string[]) => Promise<void>,
): Promise<void> {
  const ways = (of: (password: string) => string): string[] =>
    passwords.map((password) => `${nativePassword} USING ${of(password)}`);
  try {
    await send(ways((password) => quoteLiteral(nativeHash(password))));
  } catch (error) {
    if (!isPolicyRefusal(error)) throw error;
    await send(ways((password) => `PASSWORD(${quoteLiteral(password)})`));
  }
}

/** The hash that mysql_native_password keeps of a password. */
export function nativeHash(password: string): string {
  const sha1 = (data: string | Buffer): Buffer => createHash('sha1').update(data).digest();
  return `*${sha1(sha1(password)).toString('hex').toUpperCase()}`;
}

/** Reports that AWSCURRENT still works, if the login used it. */
function reportOverlap({ context: { using, current, overlapping } }: PasswordChange): void {
  if (using.password === current.password) overlapping?.();
}

/** Lets an admin set the password of an existing account, and end its other passwords. */
export async function setPasswordOf(
  admin: MysqlSession,
  account: Account,
  pending: MysqlCredential,
  { open, context }: Pick<PasswordChange, 'open' | 'context'>,
): Promise<void> {
  const { isMariaDb } = await admin.server();
  const name = quoteAccount(account);
  const ways = isMariaDb ? await waysToLogIn(admin, account) : [];
  const set = async (): Promise<void> => {
    if (isMariaDb) return setInMariaDb(admin, account, [pending.password], ways);
    await admin.query(`ALTER USER ${name} IDENTIFIED BY ${quoteLiteral(pending.password)}`);
  };
  await setOnce(
    set,
    (error) => isPolicyRefusal(error) || isExpired(error),
    () => open(pending, context),
  );
  // The statement above keeps a second password, which may be in no version of the secret.
  if (!isMariaDb) await admin.query(`ALTER USER ${name} DISCARD OLD PASSWORD`);
}
