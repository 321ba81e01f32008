import type { RotatorContext } from '../../src/index.ts';
import type { AlternatingCredential } from './credential.ts';
import { quoteIdentifier, quoteLiteral } from './quoting.ts';
import type { PostgresSession } from './session.ts';

interface Original {
  readonly rolconnlimit: number;
  readonly rolvaliduntil: string | null;
}

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
  await session.query('BEGIN');
  try {
    await createIfMissing(session, username);
    await session.query(`GRANT ${quoteIdentifier(original)} TO ${quoteIdentifier(username)}`);
    await session.query(`ALTER ROLE ${quoteIdentifier(username)} SET ROLE ${quoteIdentifier(original)}`);
    await copyLimits(session, original, username);
    const tolerated = tolerating(session, context);
    await tolerated('copy settings', () => copySettings(session, original, username));
    await tolerated('hand over objects', () => handOverObjects(session, original, username, context));
    await session.query('COMMIT');
  } catch (error) {
    await session.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

async function createIfMissing(session: PostgresSession, username: string): Promise<void> {
  const found = await session.query('SELECT FROM pg_roles WHERE rolname = $1', [username]);
  if (found.length === 0) await session.query(`CREATE ROLE ${quoteIdentifier(username)} WITH LOGIN`);
}

async function copyLimits(session: PostgresSession, original: string, clone: string): Promise<void> {
  const limits = 'SELECT rolconnlimit, rolvaliduntil::text FROM pg_roles WHERE rolname = $1';
  const [from] = await session.query<Original>(limits, [original]);
  if (from === undefined) return;
  const until = quoteLiteral(from.rolvaliduntil ?? 'infinity');
  await session.query(
    `ALTER ROLE ${quoteIdentifier(clone)} WITH LOGIN CONNECTION LIMIT ${from.rolconnlimit} VALID UNTIL ${until}`,
  );
}

type Tolerated = (what: string, call: () => Promise<void>) => Promise<void>;

/** Runs what an admin without all rights may fail at; whether it was needed, testSecret's gate finds out. */
function tolerating(session: PostgresSession, context: RotatorContext): Tolerated {
  return async (what, call) => {
    await session.query('SAVEPOINT tolerated');
    try {
      await call();
    } catch (error) {
      await session.query('ROLLBACK TO SAVEPOINT tolerated');
      context.note(
        `The admin could not ${what} of the clone: ${error instanceof Error ? error.message : 'no reason given'}.`,
      );
    }
  };
}

interface Setting {
  readonly database: string | null;
  readonly setting: string;
}

/** Settings of the original (search_path and the like) apply at its own login alone, so the clone needs them too. */
async function copySettings(session: PostgresSession, original: string, clone: string): Promise<void> {
  const settings = await session.query<Setting>(
    `SELECT d.datname AS database, unnest(s.setconfig) AS setting
       FROM pg_db_role_setting s
       JOIN pg_roles r ON r.oid = s.setrole
       LEFT JOIN pg_database d ON d.oid = s.setdatabase
      WHERE r.rolname = $1`,
    [original],
  );
  for (const { database, setting } of settings) {
    const [name = '', value = ''] = splitAtFirst(setting, '=');
    if (name === 'role') continue;
    // The value stands as the server keeps it, lists quoted: set_config takes it so, while SET would quote it again.
    await session.query('SELECT set_config($1, $2, true)', [name, value]);
    const where = database === null ? '' : ` IN DATABASE ${quoteIdentifier(database)}`;
    const parameter = name.split('.').map(quoteIdentifier).join('.');
    await session.query(`ALTER ROLE ${quoteIdentifier(clone)}${where} SET ${parameter} FROM CURRENT`);
  }
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
  const owned = await session.query(
    `SELECT FROM pg_shdepend s
       JOIN pg_roles r ON r.oid = s.refobjid AND s.refclassid = 'pg_authid'::regclass
       JOIN pg_database d ON d.oid = s.dbid
      WHERE r.rolname = $1 AND s.deptype = 'o' AND d.datname = current_database() LIMIT 1`,
    [clone],
  );
  if (owned.length === 0) return;
  await session.query(`REASSIGN OWNED BY ${quoteIdentifier(clone)} TO ${quoteIdentifier(original)}`);
  context.note(`Objects that ${clone} had created now belong to ${original}.`);
}
