import { type Finding, KeyturnError } from '../../src/rotator/index.ts';
import { quoteLiteral } from './quoting.ts';
import type { PostgresSession } from './session.ts';

/** What the catalogue says of an account that an admin is to change. */
export interface Account {
  readonly allowed: boolean;
  readonly exists: boolean;
  readonly expiredAt: string | null;
  readonly expiresAt: string | null;
}

export async function describeAccount(
  session: PostgresSession,
  username: string,
): Promise<Account | undefined> {
  const [row] = await session.query<Account>(
    `SELECT a.rolsuper OR (a.rolcreaterole
              AND (pg_catalog.current_setting('server_version_num')::pg_catalog.int4 < 160000 OR r.oid IS NULL
                OR pg_catalog.pg_has_role(a.oid, r.oid, 'MEMBER WITH ADMIN OPTION'))) AS allowed,
            r.oid IS NOT NULL AS exists,
            CASE WHEN r.rolvaliduntil <= pg_catalog.now() THEN pg_catalog.to_json(r.rolvaliduntil) END AS "expiredAt",
            CASE WHEN r.rolvaliduntil < 'infinity' THEN pg_catalog.to_json(r.rolvaliduntil) END AS "expiresAt"
       FROM pg_catalog.pg_roles a LEFT JOIN pg_catalog.pg_roles r ON r.rolname = ${quoteLiteral(username)}
      WHERE a.rolname = session_user`,
  );
  return row;
}

export function validity(username: string, account: Account | undefined): Finding {
  const { expiredAt = null, expiresAt = null } = account ?? {};
  if (expiredAt !== null) {
    return {
      check: 'validity',
      ok: false,
      detail: `${expired(username, expiredAt)}: ALTER ROLE ... VALID UNTIL`,
    };
  }
  const detail =
    expiresAt === null
      ? `passwords of ${username} do not expire`
      : `passwords of ${username} are valid until ${expiresAt}; a rotation does not change that`;
  return { check: 'validity', ok: true, detail };
}

function expired(username: string, at: string): string {
  return `passwords of ${username} were valid until ${at}, and a new one does not change that`;
}

/**
 * The error for an account that could not use a new password; the server would only say that it is wrong.
 *
 * @see https://www.postgresql.org/docs/current/sql-createrole.html
 */
export function noLongerValid(username: string, at: string): KeyturnError {
  return new KeyturnError(
    'PermissionDenied',
    `Nothing was changed: ${expired(username, at)}.`,
    'Set a later date with ALTER ROLE ... VALID UNTIL, and rotate again.',
  );
}

/** @param admin whose session it is @throws PermissionDenied */
export async function requireValidity(admin: PostgresSession, username: string): Promise<void> {
  const { expiredAt = null } = (await describeAccount(admin, username)) ?? {};
  if (expiredAt !== null) throw noLongerValid(username, expiredAt);
}
