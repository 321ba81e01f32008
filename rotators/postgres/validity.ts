import { type Finding, KeyturnError } from '../../src/rotator/index.ts';
import { quoteLiteral } from './quoting.ts';
import type { PostgresSession } from './session.ts';

/** What the catalogue says of an account whose password is to be changed. */
export interface Account {
  /** Whether the session's role may create or change it as an admin. */
  readonly allowed: boolean;
  readonly exists: boolean;
  /** Its `VALID UNTIL`, in ISO 8601, if that has passed. */
  readonly expiredAt: string | null;
  /** Its `VALID UNTIL`, in ISO 8601, passed or not; null if its passwords do not expire. */
  readonly expiresAt: string | null;
}

/** Looks an account up. Undefined only if the session's own role is gone. */
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

/** The preflight's finding on `VALID UNTIL`. */
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
 * The error for an account whose `VALID UNTIL` has passed: it could not log in with a new password either. The server
 * itself would only say that the password is wrong.
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

/** Refuses an account whose `VALID UNTIL` has passed. @param admin the admin's session @throws PermissionDenied */
export async function requireValidity(admin: PostgresSession, username: string): Promise<void> {
  const { expiredAt = null } = (await describeAccount(admin, username)) ?? {};
  if (expiredAt !== null) throw noLongerValid(username, expiredAt);
}
