import { comparison, nameInOneLine, otherDatabases, setRolePrivilege } from './comparison.ts';
import { quoteLiteral } from './quoting.ts';
import type { PostgresSession } from './session.ts';

/** The most rights that are named. */
const mostNamed = 20;

/** What the quick look tells of the two accounts. */
interface Look {
  readonly version: number;
  readonly subjectExists: boolean;
  readonly provenExists: boolean;
  /** Whether the proven account is the subject, may act as it, or may do everything. */
  readonly nothingToGain: boolean;
  readonly subjectIsSuperuser: boolean;
  /**
   * Whether a closer look can find nothing. The subject has no attribute and no role that the proven account lacks. It
   * administers no role, owns nothing itself, and was granted nothing itself.
   */
  readonly nothingOfItsOwn: boolean;
}

const version = "pg_catalog.current_setting('server_version_num')::pg_catalog.int4";
/** As {@link setRolePrivilege}, for a statement that is sent before the version is known. */
const setRoleAnyVersion = `CASE WHEN ${version} < 160000 THEN 'MEMBER' ELSE 'SET' END`;

function role(name: string | undefined): string {
  return `pg_catalog.pg_roles WHERE rolname = ${name === undefined ? 'NULL' : quoteLiteral(name)}`;
}

/** The quick look: in the usual case this one statement is enough, and the server plans it quickly. */
function quickLook(subject: string, proven: string | undefined): string {
  const reaches = (who: string): string =>
    `(pg_catalog.pg_has_role(${who}, r.oid, 'USAGE') OR pg_catalog.pg_has_role(${who}, r.oid, ${setRoleAnyVersion}))`;
  return `
  SELECT ${version} AS version, s.oid IS NOT NULL AS "subjectExists", p.oid IS NOT NULL AS "provenExists",
    coalesce(p.rolsuper OR p.oid = s.oid OR pg_catalog.pg_has_role(p.oid, s.oid, ${setRoleAnyVersion}), false) AS "nothingToGain",
    coalesce(s.rolsuper, false) AS "subjectIsSuperuser",
    coalesce(s.rolcreaterole <= p.rolcreaterole AND s.rolcreatedb <= p.rolcreatedb
      AND s.rolbypassrls <= p.rolbypassrls AND s.rolreplication <= p.rolreplication, false)
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_roles r
        WHERE r.oid <> s.oid AND pg_catalog.pg_has_role(s.oid, r.oid, 'MEMBER') AND NOT ${reaches('p.oid')})
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_auth_members m WHERE m.member = s.oid AND m.admin_option)
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_shdepend d
        WHERE d.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass AND d.refobjid = s.oid
          AND d.classid <> 'pg_catalog.pg_auth_members'::pg_catalog.regclass) AS "nothingOfItsOwn"
    FROM (SELECT) AS one LEFT JOIN (SELECT * FROM ${role(subject)}) s ON true
    LEFT JOIN (SELECT * FROM ${role(proven)}) p ON true`;
}

/** Attributes that give power beyond objects. Whoever may SET ROLE to a role may use the role's, too. */
const attributes = [
  ['SUPERUSER', 'rolsuper'],
  ['CREATEROLE', 'rolcreaterole'],
  ['CREATEDB', 'rolcreatedb'],
  ['REPLICATION', 'rolreplication'],
  ['BYPASSRLS', 'rolbypassrls'],
] as const;

function powers(side: string, who: string, reached: string): string {
  const ofAttributes = attributes.map(
    ([name, column]) =>
      `SELECT '${side}', 'attribute ${name}' FROM pg_catalog.pg_roles r WHERE r.${column} AND (${reached})`,
  );
  return `${ofAttributes.join('\n    UNION ALL ')}
    UNION ALL SELECT '${side}', 'administration of the role ' || ${nameInOneLine('r.rolname')} FROM pg_catalog.pg_roles r
     WHERE r.oid <> ${who} AND pg_catalog.pg_has_role(${who}, r.oid, 'MEMBER WITH ADMIN OPTION')`;
}

/** Compares all that memberships could give the subject with what the proven account certainly has. */
function compareAccounts({ version: server }: Look, subject: string, proven: string): string {
  const [who, other] = [subject, proven].map((name) => `(SELECT oid FROM ${role(name)})`);
  const bySubject = `pg_catalog.pg_has_role(${who}, r.oid, 'MEMBER')`;
  const bySetRole = `pg_catalog.pg_has_role(${other}, r.oid, ${setRolePrivilege(server)})`;
  const byProven = `(pg_catalog.pg_has_role(${other}, r.oid, 'USAGE') OR ${bySetRole})`;
  const definitions = `
  held (side, role) AS MATERIALIZED (
    SELECT 'more', r.oid FROM pg_catalog.pg_roles r WHERE ${bySubject}
    UNION ALL SELECT 'less', r.oid FROM pg_catalog.pg_roles r WHERE ${byProven}),
  member (side, role) AS (SELECT side, role FROM held WHERE role <> ${who}),
  owning (role) AS (SELECT role FROM held WHERE side = 'more'),
  power (side, name) AS (
    ${powers('more', who ?? '', bySubject)}
    UNION ALL ${powers('less', other ?? '', bySetRole)})`;
  return comparison(server, { definitions }, mostNamed);
}

/**
 * The other databases in which the subject has something more: an object that it owns and the proven account does not, or
 * a privilege on an object on which the proven account has none.
 */
function compareElsewhere({ version: server }: Look, subject: string, proven: string): string {
  const [who, other] = [subject, proven].map((name) => `(SELECT oid FROM ${role(name)})`);
  const reached = `(pg_catalog.pg_has_role(${other}, r.refobjid, 'USAGE') OR pg_catalog.pg_has_role(${other}, r.refobjid, ${setRolePrivilege(server)}))`;
  return `${otherDatabases()}
     AND pg_catalog.pg_has_role(${who}, s.refobjid, 'MEMBER')
     AND NOT EXISTS (SELECT FROM pg_catalog.pg_shdepend r
       WHERE r.dbid = s.dbid AND r.classid = s.classid AND r.objid = s.objid
         AND r.refclassid = s.refclassid AND (r.deptype = 'o' OR s.deptype <> 'o') AND ${reached})
   GROUP BY s.deptype, d.datname ORDER BY 1 LIMIT ${mostNamed}`;
}

/**
 * Roles of Postgres and its hosts that give no power over others: their members may look, or help with the work. An
 * application may have these. The owner of a database is a member of pg_database_owner.
 *
 * @see https://www.postgresql.org/docs/current/predefined-roles.html
 */
const harmlessRoles = [
  'pg_monitor',
  'pg_read_all_settings',
  'pg_read_all_stats',
  'pg_stat_scan_tables',
  'pg_database_owner',
  'pg_checkpoint',
  'pg_use_reserved_connections',
  'rds_iam',
  'rds_password',
];

/** What the subject may do that no application's account may; asked if no stored credential was accepted. */
function powersOf(subject: string): string {
  const who = `(SELECT oid FROM ${role(subject)})`;
  const reached = `pg_catalog.pg_has_role(${who}, r.oid, 'MEMBER')`;
  const known = harmlessRoles.map(quoteLiteral).join(', ');
  return `
  SELECT name AS missing FROM (
    SELECT name FROM (${powers('more', who, reached)}) AS held (side, name) WHERE name <> 'attribute CREATEDB'
    UNION SELECT 'membership in ' || ${nameInOneLine('r.rolname')} FROM pg_catalog.pg_roles r
     WHERE ${reached} AND r.oid <> ${who} AND r.rolname NOT IN (${known})
       AND (pg_catalog.starts_with(r.rolname::pg_catalog.text, 'pg_')
         OR pg_catalog.starts_with(r.rolname::pg_catalog.text, 'rds') OR r.rolname IN ('cloudsqlsuperuser', 'azure_pg_admin'))
  ) everything ORDER BY name LIMIT ${mostNamed}`;
}

/**
 * What the subject may do and the proven account may not, each in a person's words; see `ChangingRotator.excessRights`.
 * Read-only; in the usual case one statement.
 *
 * @param admin the admin's session, which must be in the secret's database
 * @param subject the user name of the account that is to be changed
 * @param proven the user name of the account that has logged in, if one has
 */
export async function excessRights(
  admin: PostgresSession,
  subject: string,
  proven: string | undefined,
): Promise<readonly string[]> {
  const [seen] = await admin.query<Look>(quickLook(subject, proven));
  if (seen === undefined || !seen.subjectExists || seen.nothingToGain) return [];
  if (seen.subjectIsSuperuser) return ['attribute SUPERUSER'];
  const named = async (statement: string): Promise<string[]> =>
    (await admin.query<{ missing: string }>(statement)).map(({ missing }) => missing);
  if (proven === undefined || !seen.provenExists) return named(powersOf(subject));
  if (seen.nothingOfItsOwn) return [];
  const here = await named(compareAccounts(seen, subject, proven));
  return [...here, ...(await named(compareElsewhere(seen, subject, proven)))].slice(0, mostNamed);
}
