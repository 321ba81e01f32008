/**
 * The two sides of a comparison, `more` and `less`: it finds what `more` may do and `less` may not. Two checks compare in
 * this way: the gate before AWSCURRENT moves, and the check before an admin changes an account. They differ in what the
 * sides stand for.
 *
 * Names of functions, types and tables are qualified; operators are Postgres's own because of the session's path.
 */
export interface Sides {
  /**
   * Common table expressions that say of a side:
   * `held (side, role)`, the roles whose privileges it has; `member (side, role)`, the roles that it could act as;
   * `owning (role)`, the roles that may own what `more` has made (for `more` only);
   * `power (side, name)`, what it may do beyond privileges on objects.
   */
  readonly definitions: string;
  /** Catalogues in which each account has objects of its own, such as user mappings. Their owners are not compared. */
  readonly ownOfEach?: readonly string[];
}

/** An SQL expression for a name that stays in one line of a log: control characters become `?`. */
export function nameInOneLine(expression: string): string {
  return `pg_catalog.regexp_replace(${expression}::pg_catalog.text, '[[:cntrl:]]', '?', 'g')`;
}

/**
 * The privilege that `pg_has_role` has to be asked for, to find out who may SET ROLE to a role. Before Postgres 16 every
 * member may.
 */
export function setRolePrivilege(serverVersion: number): string {
  return serverVersion < 160_000 ? "'MEMBER'" : "'SET'";
}

const authid = "'pg_catalog.pg_authid'::pg_catalog.regclass";
const here = 'd.datname = pg_catalog.current_database()';

interface Catalogue {
  readonly name: string;
  readonly owner: string;
  readonly acl: string;
}

/** Every catalogue with access control lists, but for that of parameters: it came with Postgres 15, and has no owners. */
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
 * One statement whose rows say in a person's words what `more` may do and `less` may not. Powers and memberships come
 * first: a missing one explains much of the rest.
 *
 * @param serverVersion such as 160004 @param limit the most rows
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
  SELECT 1, 'membership in ' || ${nameInOneLine('r.rolname')} FROM pg_catalog.pg_roles r
   WHERE r.oid IN (SELECT role FROM member WHERE side = 'more' EXCEPT SELECT role FROM member WHERE side = 'less')
  UNION
  SELECT 2, o.privilege_type || CASE WHEN o.is_grantable THEN ' with grant option' ELSE '' END || ' on '
         || ${nameInOneLine('pg_catalog.pg_describe_object(o.class, o.oid, o.part)')}
    FROM granted o
   WHERE o.grantee IN (SELECT role FROM lacking)
     AND NOT EXISTS (SELECT FROM held WHERE side = 'less' AND role = o.owner)
     AND NOT EXISTS (
     SELECT FROM granted same WHERE same.class = o.class AND same.oid = o.oid AND same.part = o.part
        AND same.privilege_type = o.privilege_type AND (same.is_grantable OR NOT o.is_grantable)
        AND (same.grantee = 0 OR same.grantee IN (SELECT role FROM held WHERE side = 'less')))
  UNION
  SELECT 2, 'ownership of ' || ${nameInOneLine('pg_catalog.pg_describe_object(o.classid, o.objid, o.objsubid)')}
    FROM (SELECT classid, objid, objsubid, dbid, refobjid AS owner FROM pg_catalog.pg_shdepend
           WHERE refclassid = ${authid} AND deptype = 'o') o
   WHERE o.owner IN (SELECT role FROM owning) AND NOT EXISTS (SELECT FROM held WHERE side = 'less' AND role = o.owner)
     AND NOT (${['pg_default_acl', ...ownOfEach].map(isOf).join(' OR ')})
     AND o.dbid IN (0, (SELECT d.oid FROM pg_catalog.pg_database d WHERE ${here}))
  UNION
  SELECT 2, 'policy ' || ${nameInOneLine('o.polname')} || ' on ' || ${nameInOneLine('o.polrelid::pg_catalog.regclass')}
    FROM pg_catalog.pg_policy o
   WHERE o.polroles && ARRAY(SELECT role FROM lacking)
     AND NOT o.polroles && ARRAY(SELECT role FROM held WHERE side = 'less')
  ) everything
  ORDER BY rank, missing LIMIT ${limit}`;
}

/**
 * What the catalogue that all databases share tells of the other databases: whether a role owns something in one, or
 * something in it was granted to the role. Only the database itself knows what that is.
 */
export function otherDatabases(): string {
  return `SELECT CASE s.deptype WHEN 'o' THEN 'ownership of objects' ELSE 'privileges' END
         || ' in the database ' || ${nameInOneLine('d.datname')} AS missing
    FROM pg_catalog.pg_shdepend s JOIN pg_catalog.pg_database d ON d.oid = s.dbid AND NOT ${here}
   WHERE s.refclassid = ${authid} AND s.deptype IN ('o', 'a', 'r')`;
}
