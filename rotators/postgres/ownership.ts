import { KeyturnError, type RotatorContext } from '../../src/rotator/index.ts';
import { codeOf } from '../network.ts';
import { isConflict } from './conflict.ts';
import { quoteIdentifier } from './quoting.ts';
import { messageOf } from './server-error.ts';
import type { PostgresSession } from './session.ts';

/** Logs the admin in to another database of the same server. Undefined if the server refuses the admin. */
export type OpenDatabase = (database: string) => Promise<PostgresSession | undefined>;

/** What the admin has to do with a role. */
interface Standing {
  /** Whether the admin has the role's rights. */
  readonly uses: boolean;
  readonly isMember: boolean;
  /** The membership that the admin has granted to itself. A further GRANT changes its options. Null if there is none. */
  readonly own: { readonly inherit: boolean; readonly set: boolean } | null;
}

/** What a role owns itself, and what the admin has to do with the roles that give and get it. */
export interface OwnedObjects {
  /** Of the server, such as 160004. */
  readonly version: number;
  /** The databases in which the role owns objects. */
  readonly databases: readonly string[];
  readonly from: Standing;
  readonly to: Standing;
}

/** The most databases in which a rotation hands objects over. */
const mostDatabases = 16;

/**
 * A subquery for what a role owns, as JSON; null if it owns nothing. Default privileges and user mappings do not count:
 * REASSIGN OWNED leaves them with the role.
 *
 * @param from the role, as an alias of pg_roles in the query around it @param to the role that is to own it, likewise
 */
export function ownedObjects(from: string, to: string): string {
  const owned = `pg_catalog.pg_shdepend s
     WHERE s.refobjid = ${from}.oid AND s.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass AND s.deptype = 'o'
       AND s.classid NOT IN ('pg_catalog.pg_default_acl'::pg_catalog.regclass, 'pg_catalog.pg_user_mapping'::pg_catalog.regclass)`;
  return `(SELECT pg_catalog.json_build_object(
      'version', pg_catalog.current_setting('server_version_num')::pg_catalog.int4,
      'databases', (SELECT pg_catalog.json_agg(d.datname) FROM pg_catalog.pg_database d
        WHERE EXISTS (SELECT FROM ${owned} AND (s.dbid = d.oid OR (s.dbid = 0 AND d.datname = pg_catalog.current_database())))),
      'from', ${standing(from)}, 'to', ${standing(to)})
    WHERE EXISTS (SELECT FROM ${owned}))`;
}

/** Memberships have options since Postgres 16. They are read as JSON, since older servers lack the columns. */
function standing(role: string): string {
  return `(SELECT pg_catalog.json_build_object('uses', pg_catalog.pg_has_role(a.oid, ${role}.oid, 'USAGE'),
      'isMember', EXISTS (SELECT FROM pg_catalog.pg_auth_members m WHERE m.roleid = ${role}.oid AND m.member = a.oid),
      'own', (SELECT pg_catalog.json_build_object(
          'inherit', pg_catalog.jsonb_extract_path(pg_catalog.to_jsonb(m), 'inherit_option'),
          'set', pg_catalog.jsonb_extract_path(pg_catalog.to_jsonb(m), 'set_option'))
        FROM pg_catalog.pg_auth_members m WHERE m.roleid = ${role}.oid AND m.member = a.oid AND m.grantor = a.oid))
    FROM pg_catalog.pg_roles a WHERE a.rolname = session_user)`;
}

/** Who gives what to whom, seen from the secret's database. */
export interface HandOver {
  readonly from: string;
  readonly to: string;
  readonly database: string;
  readonly owned: OwnedObjects;
}

/**
 * Gives what one role owns to another role, in all databases. An admin that lacks the rights of a role becomes a member
 * of it for the time of the transaction.
 *
 * @throws PermissionDenied if that fails: the next user would not be able to use all objects
 * @see https://www.postgresql.org/docs/current/sql-reassign-owned.html
 */
export async function handOver(
  session: PostgresSession,
  { from, to, database, owned }: HandOver,
  context: RotatorContext & { readonly openDatabase: OpenDatabase },
): Promise<void> {
  const { databases } = owned;
  if (databases.length > mostDatabases) {
    throw new KeyturnError(
      'PermissionDenied',
      `${from} owns objects in ${databases.length} databases, and a rotation hands over what is in at most ${mostDatabases}.`,
      `Let a superuser run ${reassignOwned(from, to)} in each of them, and rotate again.`,
    );
  }
  for (const name of databases) {
    const elsewhere = name === database ? undefined : await openElsewhere(name, { from, to }, context);
    try {
      await (elsewhere ?? session).change(reassign(from, to, owned));
    } catch (error) {
      if (isConflict(error) || isBusy(error)) throw error;
      throw notHandedOver(from, to, name, messageOf(error), error);
    } finally {
      await elsewhere?.close();
    }
    context.note(`Objects that ${from} owned in the database ${name} now belong to ${to}.`);
  }
}

async function openElsewhere(
  name: string,
  { from, to }: { readonly from: string; readonly to: string },
  { openDatabase }: { readonly openDatabase: OpenDatabase },
): Promise<PostgresSession> {
  try {
    const session = await openDatabase(name);
    if (session !== undefined) return session;
  } catch (error) {
    throw notHandedOver(from, to, name, messageOf(error), error);
  }
  throw notHandedOver(from, to, name, 'the admin was refused there');
}

/** A statement that waits for a table's lock blocks all statements that come after it. The application goes first. */
const shortWait = "SET LOCAL lock_timeout = '3s'";

/** Whether a table was in use for longer than {@link shortWait}. */
function isBusy(error: unknown): boolean {
  return codeOf(error) === '55P03';
}

function reassign(from: string, to: string, owned: OwnedObjects): string[] {
  const hasOptions = owned.version >= 160_000;
  const roles = [
    { name: quoteIdentifier(from), standing: owned.from },
    { name: quoteIdentifier(to), standing: owned.to },
    // Before Postgres 16 all grantors share one membership. If it was there before, a REVOKE would take what another has
    // granted.
  ].filter(({ standing }) => !standing.uses && (hasOptions || !standing.isMember));
  const options = hasOptions ? ' WITH INHERIT TRUE, SET TRUE' : '';
  const takeBack = ({ name, standing: { own } }: (typeof roles)[number]): string =>
    own === null || !hasOptions
      ? `REVOKE ${name} FROM SESSION_USER`
      : `GRANT ${name} TO SESSION_USER WITH INHERIT ${own.inherit}, SET ${own.set}`;
  return [
    shortWait,
    ...roles.map(({ name }) => `GRANT ${name} TO SESSION_USER${options}`),
    reassignOwned(from, to),
    ...roles.map(takeBack),
  ];
}

function reassignOwned(from: string, to: string): string {
  return `REASSIGN OWNED BY ${quoteIdentifier(from)} TO ${quoteIdentifier(to)}`;
}

function notHandedOver(
  from: string,
  to: string,
  database: string,
  reason: string,
  cause?: unknown,
): KeyturnError {
  return new KeyturnError(
    'PermissionDenied',
    `The admin could not hand over to ${to} what ${from} owns in the database ${database}: ${reason}.`,
    `Let a superuser run ${reassignOwned(from, to)} there, or give the admin both roles with their ADMIN option, and rotate again.`,
    cause === undefined ? {} : { cause },
  );
}
