import type { Finding } from '../../src/rotator/index.ts';
import type { AlternatingCredential, PostgresCredential } from './credential.ts';
import { quoteLiteral } from './quoting.ts';
import type { PostgresSession } from './session.ts';

function encryption(session: PostgresSession): Finding {
  const detail = session.encrypted ? 'verified TLS' : 'plaintext, as the secret or the function allows';
  return { check: 'encryption', ok: true, detail };
}

async function writable(session: PostgresSession): Promise<Finding> {
  const [row] = await session.query<{ replica: boolean }>('SELECT pg_catalog.pg_is_in_recovery() AS replica');
  const ok = row?.replica !== true;
  return {
    check: 'server',
    ok,
    detail: ok ? 'takes changes' : 'is a read replica, where no password can be changed',
  };
}

/** On RDS passwords can be reserved to members of rds_password; elsewhere every role may change its own. */
async function mayChangeOwnPassword(session: PostgresSession): Promise<Finding> {
  const [row] = await session.query<{ allowed: boolean }>(
    `SELECT coalesce(pg_catalog.current_setting('rds.restrict_password_commands', true), 'off') NOT IN ('on', '1')
         OR EXISTS (SELECT FROM pg_catalog.pg_roles r
              WHERE r.rolname = 'rds_password' AND pg_catalog.pg_has_role(session_user, r.oid, 'MEMBER')) AS allowed`,
  );
  const ok = row?.allowed === true;
  const detail = ok
    ? 'the role may change its own'
    : 'rds.restrict_password_commands is on: grant rds_password';
  return { check: 'password', ok, detail };
}

/** Since Postgres 16 CREATEROLE alone is not enough: the admin also needs the ADMIN option on the role. */
async function mayChangeOf(admin: PostgresSession, username: string): Promise<Finding> {
  const [row] = await admin.query<{ allowed: boolean }>(
    `SELECT a.rolsuper OR (a.rolcreaterole
              AND (pg_catalog.current_setting('server_version_num')::pg_catalog.int4 < 160000 OR r.oid IS NULL
                OR pg_catalog.pg_has_role(a.oid, r.oid, 'MEMBER WITH ADMIN OPTION'))) AS allowed
       FROM pg_catalog.pg_roles a LEFT JOIN pg_catalog.pg_roles r ON r.rolname = ${quoteLiteral(username)}
      WHERE a.rolname = session_user`,
  );
  const ok = row?.allowed === true;
  const detail = ok
    ? `may create or change ${username}`
    : `needs CREATEROLE, and the ADMIN option on ${username}`;
  return { check: 'admin rights', ok, detail };
}

/** What a rotation of a single user needs. */
export async function preflightSingleUser(
  session: PostgresSession,
  { username }: PostgresCredential,
  admin: PostgresSession | undefined,
): Promise<Finding[]> {
  const findings = [encryption(session), await writable(session), await mayChangeOwnPassword(session)];
  return admin === undefined ? findings : [...findings, await mayChangeOf(admin, username)];
}

/** What a rotation of alternating users needs; the user itself may be on a read replica of the admin's server. */
export async function preflightAlternatingUsers(
  session: PostgresSession,
  { username, pair }: AlternatingCredential,
  admin: PostgresSession | undefined,
): Promise<Finding[]> {
  if (admin === undefined) return [encryption(session)];
  const rights = await Promise.all([mayChangeOf(admin, username), mayChangeOf(admin, pair.alternate)]);
  return [encryption(session), await writable(admin), ...rights];
}
