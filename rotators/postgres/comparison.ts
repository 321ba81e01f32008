/**
 * What one side of a comparison may do and the other may not. Both the gate before AWSCURRENT moves and the check
 * before an admin changes an account ask this; they differ in whom a side stands for.
 *
 * Names of functions, types and tables are qualified; operators are Postgres's own because of the session's path.
 */
export interface Sides {
  /**
   * Common table expressions, which define for each side, `more` and `less`:
   * `held (side, role)`, the roles whose privileges it has; `member (side, role)`, the roles that it could act as;
   * `owning (role)`, the roles as whose owner it may have made objects, of `more` alone;
   * `power (side, name)`, what it may do beyond privileges on objects.
   */
  readonly definitions: string;
  /** Catalogues whose objects are each account's own, so that both have them or neither. */
  readonly ownOfEach?: readonly string[];
}

/** The 63 bytes of a name, as it can stand in one line of a log. */
export function plainName(expression: string): string {
  return `pg_catalog.regexp_replace(${expression}::pg_catalog.text, '[[:cntrl:]]', '?', 'g')`;
}

/** `pg_has_role` of what makes a role's rights one's own after SET ROLE. Before Postgres 16 all members may do that. */
export function setRole(serverVersion: number): string {
  return serverVersion < 160_000 ? "'MEMBER'" : "'SET'";
}

const authid = "'pg_catalog.pg_authid'::pg_catalog.regclass";
const here = 'd.datname = pg_catalog.current_database()';

interface Catalogue {
  readonly name: string;
  readonly owner: string;
  readonly acl: string;
}

/** Every catalogue with access control lists. Those of parameters came with Postgres 15, and have no owner. */
const catalogues: readonly Catalogue[] = [
  { name: 'pg_class', owner: 'relowner', acl: 'relacl' },
  { name: 'pg_namespace', owner: 'nspowner', acl: 'nspacl' },
  { name: 'pg_proc', owner: 'proowner', acl: 'proacl' },
  { name: 'pg_type', owner: 'typowner', acl: 'typacl' },
  { name: 'pg_database', owner: 'datdba', acl: 'datacl' },
  { name: 'pg_language', owner: 'lanowner', acl: 'lanacl' },
  { name: 'pg_foreign_server', owner: 'srvowner', acl: 'srvacl' },
  { name: 'pg_foreign_data_wrapper', owner: 'fdwowner', acl: 'fdwacl' },
  { name: 'pg_largeobject_metadata', owner: 'lomowner', acl: 'lomacl' },
  { name: 'pg_tablespace', owner: 'spcowner', acl: 'spcacl' },
  { name: 'pg_default_acl', owner: 'defaclrole', acl: 'defaclacl' },
];

function lists(serverVersion: number): string {
  const own = ({ name, owner, acl }: Catalogue): string =>
    `SELECT 'pg_catalog.${name}'::pg_catalog.regclass AS class, oid, 0 AS part, ${owner} AS owner, ${acl} AS acl
       FROM pg_catalog.${name} WHERE ${acl} IS NOT NULL`;
  const columns = `SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, attrelid, attnum, relowner, attacl
    FROM pg_catalog.pg_attribute JOIN pg_catalog.pg_class ON pg_class.oid = attrelid WHERE attacl IS NOT NULL`;
  const parameters = `SELECT 'pg_catalog.pg_parameter_acl'::pg_catalog.regclass, oid, 0, NULL, paracl
    FROM pg_catalog.pg_parameter_acl`;
  const all = [...catalogues.map(own), columns, ...(serverVersion < 150_000 ? [] : [parameters])];
  return all.join('\n    UNION ALL ');
}

function isOf(catalogue: string): string {
  return `o.classid = 'pg_catalog.${catalogue}'::pg_catalog.regclass`;
}

/**
 * One statement whose rows say in a person's words what `more` may do and `less` may not, at most `limit` of them.
 * Memberships first: one that is missing explains much of the rest.
 */
export function comparison(
  serverVersion: number,
  { definitions, ownOfEach = [] }: Sides,
  limit: number,
): string {
  return `
  WITH ${definitions},
  lacking AS MATERIALIZED (SELECT role FROM held WHERE side = 'more' EXCEPT SELECT role FROM held WHERE side = 'less'),
  granted AS (
    SELECT class, l.oid, part, owner, a.privilege_type, a.is_grantable, a.grantee
      FROM (${lists(serverVersion)}) l, pg_catalog.aclexplode(l.acl) a
  )
  SELECT missing FROM (
  SELECT 0 AS rank, name AS missing FROM (
    SELECT name FROM power WHERE side = 'more' EXCEPT SELECT name FROM power WHERE side = 'less') powers
  UNION
  SELECT 1, 'membership in ' || ${plainName('r.rolname')} FROM pg_catalog.pg_roles r
   WHERE r.oid IN (SELECT role FROM member WHERE side = 'more' EXCEPT SELECT role FROM member WHERE side = 'less')
  UNION
  SELECT 2, o.privilege_type || CASE WHEN o.is_grantable THEN ' with grant option' ELSE '' END || ' on '
         || ${plainName('pg_catalog.pg_describe_object(o.class, o.oid, o.part)')}
    FROM granted o
   WHERE o.grantee IN (SELECT role FROM lacking)
     AND NOT EXISTS (SELECT FROM held WHERE side = 'less' AND role = o.owner)
     AND NOT EXISTS (
     SELECT FROM granted same WHERE same.class = o.class AND same.oid = o.oid AND same.part = o.part
        AND same.privilege_type = o.privilege_type AND (same.is_grantable OR NOT o.is_grantable)
        AND (same.grantee = 0 OR same.grantee IN (SELECT role FROM held WHERE side = 'less')))
  UNION
  SELECT 2, 'ownership of ' || ${plainName('pg_catalog.pg_describe_object(o.classid, o.objid, o.objsubid)')}
    FROM (SELECT classid, objid, objsubid, dbid, refobjid AS owner FROM pg_catalog.pg_shdepend
           WHERE refclassid = ${authid} AND deptype = 'o') o
   WHERE o.owner IN (SELECT role FROM owning) AND NOT EXISTS (SELECT FROM held WHERE side = 'less' AND role = o.owner)
     AND NOT (${['pg_default_acl', ...ownOfEach].map(isOf).join(' OR ')})
     AND o.dbid IN (0, (SELECT d.oid FROM pg_catalog.pg_database d WHERE ${here}))
  UNION
  SELECT 2, 'policy ' || ${plainName('o.polname')} || ' on ' || ${plainName('o.polrelid::pg_catalog.regclass')}
    FROM pg_catalog.pg_policy o
   WHERE o.polroles && ARRAY(SELECT role FROM lacking)
     AND NOT o.polroles && ARRAY(SELECT role FROM held WHERE side = 'less')
  ) everything
  ORDER BY rank, missing LIMIT ${limit}`;
}

/**
 * What is kept of another database in the catalogue that all share: that a role owns something in it, or that
 * something was granted to it. On what, only that database knows.
 */
export function otherDatabases(): string {
  return `SELECT CASE s.deptype WHEN 'o' THEN 'ownership of objects' ELSE 'privileges' END
         || ' in the database ' || ${plainName('d.datname')} AS missing
    FROM pg_catalog.pg_shdepend s JOIN pg_catalog.pg_database d ON d.oid = s.dbid AND NOT ${here}
   WHERE s.refclassid = ${authid} AND s.deptype IN ('o', 'a', 'r')`;
}
