import { requireNothingMissing } from '../database/change.ts';
import { comparison, nameInOneLine, type Sides } from './comparison.ts';
import { quoteLiteral } from './quoting.ts';
import type { PostgresSession } from './session.ts';
import { logsAlone } from './settings.ts';

/** The most missing privileges that are listed. */
const mostListed = 1000;

/** For each user, the role that its sessions act as. `ALTER ROLE ... SET role` may name another than the user's own. */
function acting(other: string): string {
  return `
  acting (side, role, login) AS (
    SELECT 'more', coalesce(
      (SELECT a.oid FROM pg_catalog.pg_db_role_setting s, pg_catalog.unnest(s.setconfig) AS setting, pg_catalog.pg_roles a
        WHERE s.setrole = r.oid AND setting = 'role=' || a.rolname
          AND s.setdatabase IN (0, (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()))
        ORDER BY s.setdatabase DESC LIMIT 1), r.oid), r.oid
      FROM pg_catalog.pg_roles r WHERE r.rolname = ${quoteLiteral(other)}
    UNION ALL
    SELECT 'less', (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = current_user),
                   (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = session_user)
  )`;
}

/** All roles whose privileges the sessions inherit, and the attributes that they have. */
function sessionsOf(other: string): Sides {
  const attribute = (name: string, column: string, holder: 'role' | 'login'): string =>
    `SELECT side, 'attribute ${name}' FROM acting a JOIN pg_catalog.pg_roles r ON r.oid = a.${holder} WHERE r.${column}`;
  return {
    ownOfEach: ['pg_user_mapping'],
    definitions: `${acting(other)},
  held (side, role) AS (
    SELECT side, r.oid FROM acting, pg_catalog.pg_roles r WHERE pg_catalog.pg_has_role(acting.role, r.oid, 'USAGE')),
  member (side, role) AS (
    SELECT side, r.oid FROM acting, pg_catalog.pg_roles r
     WHERE pg_catalog.pg_has_role(acting.role, r.oid, 'MEMBER')
       AND NOT EXISTS (SELECT FROM acting more WHERE more.side = 'more' AND r.oid IN (more.role, more.login))),
  -- The login owns what it made before its sessions acted as another role, or where a server or a pooler ignores that.
  owning (role) AS (
    SELECT role FROM held WHERE side = 'more'
    UNION SELECT r.oid FROM acting, pg_catalog.pg_roles r
     WHERE side = 'more' AND pg_catalog.pg_has_role(acting.login, r.oid, 'USAGE')),
  power (side, name) AS (
    ${attribute('SUPERUSER', 'rolsuper', 'role')} UNION ALL ${attribute('CREATEDB', 'rolcreatedb', 'role')}
    UNION ALL ${attribute('CREATEROLE', 'rolcreaterole', 'role')} UNION ALL ${attribute('BYPASSRLS', 'rolbypassrls', 'role')}
    UNION ALL ${attribute('REPLICATION', 'rolreplication', 'login')}
    UNION ALL SELECT side, 'setting ' || ${nameInOneLine("pg_catalog.split_part(setting, '=', 1)")}
      FROM acting a JOIN pg_catalog.pg_db_role_setting s ON s.setrole = a.login, pg_catalog.unnest(s.setconfig) AS setting
     WHERE s.setdatabase IN (0, (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()))
       AND setting NOT LIKE 'role=%' AND setting !~ ${quoteLiteral(logsAlone)})`,
  };
}

/**
 * A quick check. Users that act as the same role can do the same, but for two things that go by the login: REPLICATION,
 * and what the login itself owns.
 */
function compareRoles(other: string): string {
  return `
  WITH ${acting(other)}
  SELECT pg_catalog.current_setting('server_version_num')::pg_catalog.int4 AS version,
         rp.rolsuper OR (o.role = p.role AND lo.rolreplication <= lp.rolreplication
           AND (pg_catalog.pg_has_role(p.role, o.login, 'USAGE') OR NOT EXISTS (SELECT FROM pg_catalog.pg_shdepend d
             WHERE d.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass AND d.refobjid = o.login AND d.deptype = 'o'))) AS same
    FROM acting o JOIN acting p ON o.side = 'more' AND p.side = 'less'
    JOIN pg_catalog.pg_roles lo ON lo.oid = o.login JOIN pg_catalog.pg_roles lp ON lp.oid = p.login
    JOIN pg_catalog.pg_roles rp ON rp.oid = p.role`;
}

/**
 * Refuses a user that can do less than the other of its pair, in the session's database. Read-only; any role may
 * ask, as Postgres's catalogues are open to all.
 *
 * @param session one of the user that is to become current
 * @throws PrivilegesMissing, naming what is missing
 */
export async function requireSamePrivileges(session: PostgresSession, otherUsername: string): Promise<void> {
  const compared = await session.query<{ version: number; same: boolean }>(compareRoles(otherUsername));
  const { version = 0, same = false } = compared[0] ?? {};
  // The usual case, since a clone acts as the original. Just planning the whole comparison takes longer than a login.
  if (same) return;
  const missing = await session.query<{ missing: string }>(
    comparison(version, sessionsOf(otherUsername), mostListed),
  );
  const lacking = missing.map((row) => row.missing);
  const remedy = 'Grant or set it for both users, or for a role that both are members of, and rotate again.';
  requireNothingMissing(lacking, otherUsername, remedy);
}
