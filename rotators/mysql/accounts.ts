import { KeyturnError } from '../../src/rotator/index.ts';
import { isRightMissing } from './classify.ts';
import { type Account, quoteAccount, quoteLiteral } from './quoting.ts';
import type { MysqlSession, Server } from './session.ts';

/** An account, from the server's table of users. */
export interface KnownAccount extends Account {
  readonly plugin: string;
}

/** Plugins for which the server keeps a password that Keyturn can set and prove. */
const passwordPlugins = ['caching_sha2_password', 'mysql_native_password', 'sha256_password'];

/** From these versions on, MySQL can keep two passwords of one user, and MariaDB several ways to log in. */
const oldestMysql = [8, 0, 14] as const;
const oldestMariaDb = [10, 4, 0] as const;

/**
 * Refuses servers that are older than Keyturn supports.
 *
 * @throws TargetFailed
 * @see https://dev.mysql.com/doc/refman/8.0/en/password-management.html#dual-passwords
 */
export function requireNewServer({ version, isMariaDb }: Server): void {
  const oldest = isMariaDb ? oldestMariaDb : oldestMysql;
  const [, ...found] = /^(\d+)\.(\d+)\.(\d+)/.exec(version) ?? [];
  const differing = found.map(Number).map((part, index) => part - (oldest[index] ?? 0));
  if (found.length === 3 && (differing.find((difference) => difference !== 0) ?? 0) >= 0) return;
  const name = isMariaDb ? 'MariaDB' : 'MySQL';
  throw new KeyturnError(
    'TargetFailed',
    `Nothing was changed: the server is ${name} ${version}, and ${oldest.join('.')} is the oldest that is rotated.`,
    'Upgrade the server.',
  );
}

/** @throws TargetReadOnly */
export function requireWritable({ readOnly }: Server): void {
  if (!readOnly) return;
  throw new KeyturnError(
    'TargetReadOnly',
    'Nothing was changed: the server is read-only, as a replica is.',
    'Name the primary in "host", such as the writer endpoint of a cluster.',
  );
}

/**
 * All accounts of a user's name, one for each pattern of hosts.
 *
 * @throws PermissionDenied if the admin may not look
 */
export async function accountsOf(admin: MysqlSession, username: string): Promise<KnownAccount[]> {
  try {
    const known = await admin.query<KnownAccount>(
      `SELECT User AS user, Host AS host, plugin FROM mysql.user WHERE User = ${quoteLiteral(username)}`,
    );
    // MariaDB keeps roles in the same table, without a host.
    const { isMariaDb } = await admin.server();
    return known.filter(({ user, host }) => user === username && !(isMariaDb && host === ''));
  } catch (error) {
    if (!isRightMissing(error)) throw error;
    throw new KeyturnError(
      'PermissionDenied',
      'The admin may not see which accounts there are.',
      'Grant it SELECT ON mysql.*, and rotate again.',
      { cause: error },
    );
  }
}

/**
 * The only account of a name.
 *
 * @throws AccountMissing, and PermissionDenied if there are several or the admin may not look
 */
export async function onlyAccount(admin: MysqlSession, username: string): Promise<KnownAccount> {
  const [account, ...others] = await accountsOf(admin, username);
  if (account === undefined) throw accountMissing(username);
  if (others.length > 0) throw severalAccounts([account, ...others]);
  return account;
}

/** @throws PermissionDenied for an account for which the server keeps no password that Keyturn can set */
export function requirePassword({ plugin, ...account }: KnownAccount): void {
  // MariaDB leaves this empty for its default plugin.
  if (plugin === '' || passwordPlugins.includes(plugin)) return;
  throw new KeyturnError(
    'PermissionDenied',
    `Nothing was changed: ${quoteAccount(account)} logs in by ${plugin}, which is no password that Keyturn sets.`,
    'Give it one (ALTER USER ... IDENTIFIED BY ...), or rotate another account.',
  );
}

export function accountMissing(username: string, host?: string): KeyturnError {
  const where = host === undefined ? '' : ` for the host ${quoteLiteral(host)}`;
  return new KeyturnError(
    'AccountMissing',
    `There is no user "${username}"${where}, or the admin may not see it.`,
    'Create it, or correct the name.',
  );
}

/** The error for a name with several accounts: the application's host decides which of them its login reaches. */
export function severalAccounts(accounts: readonly Account[]): KeyturnError {
  return new KeyturnError(
    'PermissionDenied',
    `Nothing was changed: there are several accounts of that name (${accounts.map(quoteAccount).join(', ')}), and no login has shown which one is meant.`,
    'Drop or rename all but one.',
  );
}
