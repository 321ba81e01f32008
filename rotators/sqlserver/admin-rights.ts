import { adminRightsStatement } from './catalogue.ts';
import { mayDoEverything, serverRights } from './rights.ts';
import type { SqlServerSession } from './session.ts';

/** What an admin may do on the server: 1 for yes. Null if the server has no such permission. */
export interface AdminRights {
  readonly alterAnyLogin: number | null;
  readonly controlServer: number | null;
  readonly sysadmin: number | null;
}

/** Reads the rights of the session's admin. */
export async function rightsOf(admin: SqlServerSession): Promise<AdminRights> {
  const [rights] = await admin.query<AdminRights>(adminRightsStatement);
  return rights ?? { alterAnyLogin: null, controlServer: null, sysadmin: null };
}

/**
 * What an admin lacks to set the password of a login, in words that follow "the admin"; undefined if nothing. The admin
 * needs ALTER ANY LOGIN. If the login is a sysadmin or has CONTROL SERVER, the admin needs CONTROL SERVER too.
 *
 * @see https://learn.microsoft.com/sql/t-sql/statements/alter-login-transact-sql
 */
export async function lackingFor(admin: SqlServerSession, username: string): Promise<string | undefined> {
  const { alterAnyLogin, controlServer } = await rightsOf(admin);
  if (alterAnyLogin !== 1 && controlServer !== 1) return 'needs ALTER ANY LOGIN';
  const rights = await serverRights(admin, username);
  const isStrong =
    mayDoEverything('server', rights) ||
    rights.permissions.some(({ permission, state }) => permission === 'CONTROL SERVER' && state !== 'D');
  return isStrong && controlServer !== 1
    ? `needs CONTROL SERVER, because ${username} has it or is a sysadmin`
    : undefined;
}
