import type { RotatorContext } from '../../src/index.ts';
import type { AlternatingCredential } from './credential.ts';
import { quoteIdentifier, quoteLiteral } from './quoting.ts';
import type { PostgresSession } from './session.ts';

/** A setting of a role; of all databases, or of one. */
interface Setting {
  readonly database: string | null;
  readonly setting: string;
}

/** What the catalogue says of the two. */
interface Pair {
  readonly connectionLimit: number | null;
  readonly validUntil: string | null;
  /** Of the original, but for a role that it acts as. They apply at its own login only, so the clone needs them too. */
  readonly settings: readonly Setting[] | null;
  readonly cloneExists: boolean;
  readonly cloneOwns: boolean;
}

const describePair = `
  SELECT o.rolconnlimit AS "connectionLimit", o.rolvaliduntil::text AS "validUntil", c.oid IS NOT NULL AS "cloneExists",
    (SELECT json_agg(json_build_object('database', d.datname, 'setting', setting))
       FROM pg_db_role_setting s CROSS JOIN unnest(s.setconfig) AS setting
       LEFT JOIN pg_database d ON d.oid = s.setdatabase
      WHERE s.setrole = o.oid AND setting NOT LIKE 'role=%') AS settings,
    EXISTS (SELECT FROM pg_shdepend s JOIN pg_database d ON d.oid = s.dbid
      WHERE s.refobjid = c.oid AND s.refclassid = 'pg_authid'::regclass AND s.deptype = 'o'
        AND d.datname = current_database()) AS "cloneOwns"
    FROM (SELECT) AS one LEFT JOIN pg_roles o ON o.rolname = $1 LEFT JOIN pg_roles c ON c.rolname = $2`;

/**
 * Makes the pending user able to stand in for the other. A clone becomes a member of the original and acts as it
 * from its login on, so that whatever is granted to the original later, and whatever either creates, belongs to
 * both for good. Repeated at each rotation, so that a clone made by AWS's template, or altered since, is mended.
 *
 * @see https://www.postgresql.org/docs/current/sql-alterrole.html
 */
export async function prepareClone(
  session: PostgresSession,
  { username, pair: { original } }: AlternatingCredential,
  context: RotatorContext,
): Promise<void> {
  if (original === undefined || username === original) return;
  const [pair] = await session.query<Pair>(describePair, [original, username]);
  if (pair === undefined) return;
  await session.transact(likeTheOriginal(pair, original, username));
  const tolerated = tolerating(context);
  const { settings, cloneOwns } = pair;
  if (settings !== null) {
    await tolerated('copy settings', () => session.transact(copySettings(settings, username)));
  }
  if (cloneOwns) {
    await tolerated('hand over objects', () => handOverObjects(session, original, username, context));
  }
}

function likeTheOriginal(
  { connectionLimit, validUntil, cloneExists }: Pair,
  original: string,
  clone: string,
): string[] {
  const [from, to] = [original, clone].map(quoteIdentifier);
  const limits = `CONNECTION LIMIT ${connectionLimit ?? -1} VALID UNTIL ${quoteLiteral(validUntil ?? 'infinity')}`;
  return [
    ...(cloneExists ? [] : [`CREATE ROLE ${to} WITH LOGIN`]),
    `GRANT ${from} TO ${to}`,
    `ALTER ROLE ${to} SET ROLE ${from}`,
    `ALTER ROLE ${to} WITH LOGIN ${limits}`,
  ];
}

type Tolerated = (what: string, call: () => Promise<void>) => Promise<void>;

/** Runs what an admin without all rights may fail at; whether it was needed, testSecret's gate finds out. */
function tolerating(context: RotatorContext): Tolerated {
  return async (what, call) => {
    try {
      await call();
    } catch (error) {
      context.note(
        `The admin could not ${what} of the clone: ${error instanceof Error ? error.message : 'no reason given'}.`,
      );
    }
  };
}

function copySettings(settings: readonly Setting[], clone: string): string[] {
  return settings.flatMap(({ database, setting }) => {
    const [name, value] = splitAtFirst(setting, '=');
    const where = database === null ? '' : ` IN DATABASE ${quoteIdentifier(database)}`;
    const parameter = name.split('.').map(quoteIdentifier).join('.');
    return [
      // The value stands as the server keeps it, lists quoted: set_config takes it so, while SET would quote it again.
      `SELECT set_config(${quoteLiteral(name)}, ${quoteLiteral(value)}, true)`,
      `ALTER ROLE ${quoteIdentifier(clone)}${where} SET ${parameter} FROM CURRENT`,
    ];
  });
}

function splitAtFirst(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return [text.slice(0, at), text.slice(at + separator.length)];
}

/** A clone made by AWS's template has created objects as itself, which the original could not touch. */
async function handOverObjects(
  session: PostgresSession,
  original: string,
  clone: string,
  context: RotatorContext,
): Promise<void> {
  await session.transact([`REASSIGN OWNED BY ${quoteIdentifier(clone)} TO ${quoteIdentifier(original)}`]);
  context.note(`Objects that ${clone} had created now belong to ${original}.`);
}
