import { KeyturnError } from '../../src/index.ts';
import type { PostgresSession } from './session.ts';

/** Most lacking privileges that an error names. */
const mostNamed = 10;

/** For each user the role that its sessions act as, which is another where `ALTER ROLE ... SET ROLE` says so. */
const acting = `
  acting AS (
    SELECT 'other' AS side, coalesce(
      (SELECT a.oid FROM pg_db_role_setting s, unnest(s.setconfig) AS setting, pg_roles a
        WHERE s.setrole = r.oid AND setting = 'role=' || a.rolname
          AND s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
        ORDER BY s.setdatabase DESC LIMIT 1), r.oid) AS role, r.oid AS login
      FROM pg_roles r WHERE r.rolname = $1
    UNION ALL
    SELECT 'pending', (SELECT oid FROM pg_roles WHERE rolname = current_user),
                      (SELECT oid FROM pg_roles WHERE rolname = session_user)
  )`;

/** All roles whose privileges those inherit, and what the pending user lacks of them. */
const roles = `${acting},
  held AS (SELECT side, r.oid AS role, r.rolname FROM acting, pg_roles r WHERE pg_has_role(acting.role, r.oid, 'USAGE')),
  lacking AS (
    SELECT role, rolname FROM held WHERE side = 'other'
    EXCEPT SELECT role, rolname FROM held WHERE side = 'pending'
  )`;

/** Every access control list that the database keeps. Those of parameters came with Postgres 15. */
function lists(serverVersion: number): string {
  const relations = `
    SELECT 'pg_class'::regclass AS class, oid, 0 AS part, relacl AS acl FROM pg_class
    UNION ALL SELECT 'pg_class'::regclass, attrelid, attnum, attacl FROM pg_attribute WHERE attacl IS NOT NULL
    UNION ALL SELECT 'pg_namespace'::regclass, oid, 0, nspacl FROM pg_namespace
    UNION ALL SELECT 'pg_proc'::regclass, oid, 0, proacl FROM pg_proc
    UNION ALL SELECT 'pg_type'::regclass, oid, 0, typacl FROM pg_type
    UNION ALL SELECT 'pg_database'::regclass, oid, 0, datacl FROM pg_database
    UNION ALL SELECT 'pg_language'::regclass, oid, 0, lanacl FROM pg_language
    UNION ALL SELECT 'pg_foreign_server'::regclass, oid, 0, srvacl FROM pg_foreign_server
    UNION ALL SELECT 'pg_foreign_data_wrapper'::regclass, oid, 0, fdwacl FROM pg_foreign_data_wrapper
    UNION ALL SELECT 'pg_largeobject'::regclass, oid, 0, lomacl FROM pg_largeobject_metadata
    UNION ALL SELECT 'pg_tablespace'::regclass, oid, 0, spcacl FROM pg_tablespace`;
  if (serverVersion < 150_000) return relations;
  return `${relations} UNION ALL SELECT 'pg_parameter_acl'::regclass, oid, 0, paracl FROM pg_parameter_acl`;
}

/** What the other user can do and the session's user can't, as a person would name it. */
function missingPrivileges(serverVersion: number): string {
  return `
  WITH ${roles},
  granted AS (
    SELECT class, oid, part, privilege_type, is_grantable, grantee
      FROM (${lists(serverVersion)}) lists, aclexplode(acl)
  )
  SELECT missing FROM (
  SELECT 'attribute ' || attribute AS missing
    FROM acting o JOIN acting p ON o.side = 'other' AND p.side = 'pending'
    JOIN pg_roles ro ON ro.oid = o.role JOIN pg_roles rp ON rp.oid = p.role
    JOIN pg_roles lo ON lo.oid = o.login JOIN pg_roles lp ON lp.oid = p.login,
    LATERAL (VALUES ('SUPERUSER', ro.rolsuper, rp.rolsuper), ('CREATEDB', ro.rolcreatedb, rp.rolcreatedb),
      ('CREATEROLE', ro.rolcreaterole, rp.rolcreaterole), ('BYPASSRLS', ro.rolbypassrls, rp.rolbypassrls),
      ('REPLICATION', lo.rolreplication, lp.rolreplication)) AS attributes (attribute, needed, there)
   WHERE needed AND NOT there AND NOT rp.rolsuper
  UNION
  SELECT privilege_type || CASE WHEN is_grantable THEN ' with grant option' ELSE '' END || ' on '
         || pg_describe_object(class, oid, part)
    FROM granted g
   WHERE grantee IN (SELECT role FROM lacking) AND NOT EXISTS (
     SELECT FROM granted same WHERE same.class = g.class AND same.oid = g.oid AND same.part = g.part
        AND same.privilege_type = g.privilege_type AND (same.is_grantable OR NOT g.is_grantable)
        AND (same.grantee = 0 OR same.grantee IN (SELECT role FROM held WHERE side = 'pending')))
  UNION
  SELECT 'ownership of ' || pg_describe_object(classid, objid, objsubid) FROM pg_shdepend
   WHERE refclassid = 'pg_authid'::regclass AND deptype = 'o' AND refobjid IN (SELECT role FROM lacking)
     AND dbid IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
  UNION
  SELECT 'policy ' || polname || ' on ' || polrelid::regclass FROM pg_policy
   WHERE polroles && ARRAY(SELECT role FROM lacking) AND NOT polroles && ARRAY(SELECT role FROM held WHERE side = 'pending')
  UNION
  SELECT 'membership in ' || r.rolname FROM acting o JOIN acting p ON o.side = 'other' AND p.side = 'pending', pg_roles r
   WHERE r.oid NOT IN (o.role, o.login) AND pg_has_role(o.role, r.oid, 'MEMBER') AND NOT pg_has_role(p.role, r.oid, 'MEMBER')
  ) everything
  -- Memberships first: one that is missing explains much of the rest.
  ORDER BY missing NOT LIKE 'membership in %', missing`;
}

/** Users that act as one role can do the same; of the logins themselves only REPLICATION counts. */
const compareRoles = `
  WITH ${acting}
  SELECT current_setting('server_version_num')::int AS version,
         o.role = p.role AND lo.rolreplication = lp.rolreplication AS same
    FROM acting o JOIN acting p ON o.side = 'other' AND p.side = 'pending'
    JOIN pg_roles lo ON lo.oid = o.login JOIN pg_roles lp ON lp.oid = p.login`;

/**
 * Refuses a user that can do less than the other of its pair, in the session's database. Read-only; any role may
 * ask, as Postgres's catalogues are open to all.
 *
 * @param session one of the user that is to become current
 * @throws PrivilegesMissing, naming what is missing
 */
export async function requireSamePrivileges(session: PostgresSession, otherUsername: string): Promise<void> {
  const compared = await session.query<{ version: number; same: boolean }>(compareRoles, [otherUsername]);
  const { version = 0, same = false } = compared[0] ?? {};
  // A clone acts as the original. To plan the whole comparison takes the server longer than a login.
  if (same) return;
  const missing = await session.query<{ missing: string }>(missingPrivileges(version), [otherUsername]);
  if (missing.length === 0) return;
  const named = missing.slice(0, mostNamed).map((row) => row.missing);
  const rest = missing.length > mostNamed ? ` and ${missing.length - mostNamed} more` : '';
  throw new KeyturnError(
    'PrivilegesMissing',
    `The next user lacks what ${otherUsername} has: ${named.join('; ')}${rest}.`,
    'Grant it to both users, or to a role that both are members of, and rotate again.',
  );
}
