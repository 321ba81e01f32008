import type { RotatorContext } from '../../src/rotator/index.ts';
import { isConflict } from './conflict.ts';
import type { AlternatingCredential } from './credential.ts';
import { quoteIdentifier, quoteLiteral } from './quoting.ts';
import type { PostgresSession } from './session.ts';
import { giveSetting, readSetting, type Setting, sameSetting, takeSetting } from './settings.ts';

/** What the catalogue says of an original and its clone. */
interface Pair {
  readonly originalExists: boolean;
  readonly cloneExists: boolean;
  /** Whether the clone can log in and has the original's limits. */
  readonly limitsAreEqual: boolean;
  readonly connectionLimit: number;
  readonly validUntil: string;
  /** Whether the clone may act as the original. */
  readonly isMember: boolean;
  readonly settings: readonly Setting[];
  readonly cloneSettings: readonly Setting[];
  readonly cloneOwns: boolean;
}

/** The settings of a role. They apply at its own login only, and not where it acts as another's. */
function settingsOf(role: string): string {
  return `coalesce((SELECT pg_catalog.json_agg(pg_catalog.json_build_object('database', d.datname, 'setting', setting))
     FROM pg_catalog.pg_db_role_setting s CROSS JOIN pg_catalog.unnest(s.setconfig) AS setting
     LEFT JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase
    WHERE s.setrole = ${role}), '[]'::pg_catalog.json)`;
}

/** Asks as one statement and one row. Before Postgres 16 every member may act as the role. */
function describePair(original: string, clone: string): string {
  return `
  SELECT o.oid IS NOT NULL AS "originalExists", c.oid IS NOT NULL AS "cloneExists",
    c.rolcanlogin AND c.rolconnlimit = o.rolconnlimit
      AND coalesce(c.rolvaliduntil, 'infinity') = coalesce(o.rolvaliduntil, 'infinity') AS "limitsAreEqual",
    o.rolconnlimit AS "connectionLimit", pg_catalog.to_json(coalesce(o.rolvaliduntil, 'infinity')) AS "validUntil",
    pg_catalog.pg_has_role(c.oid, o.oid, CASE WHEN pg_catalog.current_setting('server_version_num')::pg_catalog.int4 < 160000
      THEN 'MEMBER' ELSE 'SET' END) AS "isMember",
    ${settingsOf('o.oid')} AS settings, ${settingsOf('c.oid')} AS "cloneSettings",
    EXISTS (SELECT FROM pg_catalog.pg_shdepend s JOIN pg_catalog.pg_database d ON d.oid = s.dbid
      WHERE s.refobjid = c.oid AND s.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass AND s.deptype = 'o'
        AND d.datname = pg_catalog.current_database()) AS "cloneOwns"
    FROM (SELECT) AS one
    LEFT JOIN pg_catalog.pg_roles o ON o.rolname = ${quoteLiteral(original)}
    LEFT JOIN pg_catalog.pg_roles c ON c.rolname = ${quoteLiteral(clone)}`;
}

/**
 * Makes the pending user able to stand in for the other. A clone becomes a member of the original and acts as it
 * from its login on, so that whatever is granted to the original later, and whatever either creates, belongs to
 * both for good. Looked at in each rotation, so that a clone made by AWS's template, or altered since, is mended.
 *
 * @see https://www.postgresql.org/docs/current/sql-alterrole.html
 */
export async function prepareClone(
  session: PostgresSession,
  { username, pair: { original } }: AlternatingCredential,
  context: RotatorContext,
): Promise<void> {
  if (original === undefined || username === original) return;
  const [pair] = await session.query<Pair>(describePair(original, username));
  if (pair === undefined) return;
  const { limits, settings } = differences(pair, original, username);
  const roles = settings.filter(isRole).map((setting) => giveOrTake(username, setting));
  const mandatory = [...limits, ...roles];
  if (mandatory.length > 0) await session.change(mandatory);
  const rest = settings.filter((setting) => !isRole(setting));
  if (rest.length > 0) await alignSettings(session, username, rest, context);
  if (pair.cloneOwns) await handOverObjects(session, original, username, context);
}

/** A setting that the clone is to have, or to have no more. */
interface Difference extends Setting {
  readonly wanted: boolean;
}

function giveOrTake(clone: string, difference: Difference): string {
  return difference.wanted ? giveSetting(clone, difference) : takeSetting(clone, difference);
}

function isRole(setting: Setting): boolean {
  return readSetting(setting).name === 'role';
}

function differences(
  pair: Pair,
  original: string,
  clone: string,
): { readonly limits: string[]; readonly settings: Difference[] } {
  const [from, to] = [original, clone].map(quoteIdentifier);
  const limits = `CONNECTION LIMIT ${pair.connectionLimit} VALID UNTIL ${quoteLiteral(pair.validUntil)}`;
  const { settings, cloneSettings } = pair;
  // Where the original itself acts as another role, the clone acts as that.
  const actsAsAnother = settings.some((setting) => setting.database === null && isRole(setting));
  const wanted = actsAsAnother ? settings : [...settings, { database: null, setting: `role=${original}` }];
  return {
    limits: [
      ...(pair.cloneExists ? [] : [`CREATE ROLE ${to} WITH LOGIN`]),
      ...(pair.isMember ? [] : [`GRANT ${from} TO ${to}`]),
      ...(pair.limitsAreEqual ? [] : [`ALTER ROLE ${to} WITH LOGIN ${limits}`]),
    ],
    settings: [
      ...cloneSettings
        .filter((had) => !wanted.some((want) => samePlace(want, had)))
        .map((had) => ({ ...had, wanted: false })),
      ...wanted
        .filter((want) => !cloneSettings.some((had) => sameSetting(want, had)))
        .map((want) => ({ ...want, wanted: true })),
    ],
  };
}

function samePlace(one: Setting, other: Setting): boolean {
  return one.database === other.database && readSetting(one).name === readSetting(other).name;
}

/**
 * Gives the clone the original's settings and takes those that the original has no more. Where the admin may not do it
 * for all of them, it does it for the others.
 */
async function alignSettings(
  session: PostgresSession,
  clone: string,
  differences: readonly Difference[],
  context: RotatorContext,
): Promise<void> {
  try {
    await session.change(differences.map((difference) => giveOrTake(clone, difference)));
  } catch (error) {
    if (isConflict(error) || differences.length === 0) throw error;
    for (const difference of differences) {
      const what = `${difference.wanted ? 'give' : 'take'} the setting ${readSetting(difference).name}`;
      await tolerated(context, what, () => session.change([giveOrTake(clone, difference)]));
    }
  }
}

/** Runs what an admin without all rights may fail at; whether it was needed, testSecret's gate finds out. */
async function tolerated(context: RotatorContext, what: string, call: () => Promise<void>): Promise<void> {
  try {
    await call();
  } catch (error) {
    if (isConflict(error)) throw error;
    const reason = error instanceof Error ? error.message : 'no reason given';
    context.note(`The admin could not ${what} of the clone: ${reason}.`);
  }
}

/** A clone made by AWS's template has created objects as itself, which the original could not touch. */
async function handOverObjects(
  session: PostgresSession,
  original: string,
  clone: string,
  context: RotatorContext,
): Promise<void> {
  const statement = `REASSIGN OWNED BY ${quoteIdentifier(clone)} TO ${quoteIdentifier(original)}`;
  await tolerated(context, 'hand over the objects', async () => {
    await session.change([statement]);
    context.note(`Objects that ${clone} had created now belong to ${original}.`);
  });
}
