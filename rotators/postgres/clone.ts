import { KeyturnError, type RotatorContext } from '../../src/rotator/index.ts';
import { codeOf } from '../network.ts';
import { isConflict } from './conflict.ts';
import type { AlternatingCredential } from './credential.ts';
import { handOver, type OpenDatabase, type OwnedObjects, ownedObjects } from './ownership.ts';
import { quoteIdentifier, quoteLiteral } from './quoting.ts';
import type { PostgresSession } from './session.ts';
import {
  giveSetting,
  isOfLogsAlone,
  readSetting,
  type Setting,
  sameSetting,
  takeSetting,
} from './settings.ts';
import { noLongerValid } from './validity.ts';

/** What the catalogue says of an original and its clone. */
interface CloneState {
  /** Of the server, such as 160004. */
  readonly version: number;
  readonly cloneExists: boolean;
  /** Whether the clone can log in and has the original's limits. */
  readonly limitsAreEqual: boolean | null;
  readonly connectionLimit: number | null;
  readonly validUntil: string | null;
  /** Whether the original's `VALID UNTIL` has passed. The clone is given the same date. */
  readonly isExpired: boolean | null;
  /** Whether the clone may act as the original. */
  readonly isMember: boolean | null;
  /** Whether the clone has the original's rights also when it does not act as the original. */
  readonly inherits: boolean | null;
  /** Attributes of the original that the clone lacks. */
  readonly attributes: readonly string[] | null;
  readonly settings: readonly Setting[];
  readonly cloneSettings: readonly Setting[];
  /** What the clone owns itself. */
  readonly owned: OwnedObjects | null;
}

/** A role's settings. They apply when the role itself logs in, and not when another role acts as it. */
function settingsOf(role: string): string {
  return `coalesce((SELECT pg_catalog.json_agg(pg_catalog.json_build_object('database', d.datname, 'setting', setting))
     FROM pg_catalog.pg_db_role_setting s CROSS JOIN pg_catalog.unnest(s.setconfig) AS setting
     LEFT JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase
    WHERE s.setrole = ${role}), '[]'::pg_catalog.json)`;
}

/**
 * Attributes that a membership does not give. A clone that acts as the original has all but REPLICATION, and loses them
 * where a pooler resets the session.
 */
const attributes = ['CREATEDB', 'CREATEROLE', 'BYPASSRLS', 'REPLICATION'];

/** One statement with one row as its answer. Before Postgres 16 every member may act as the role. */
function describePair(original: string, clone: string): string {
  const lacking = attributes.map(
    (name) =>
      `CASE WHEN o.rol${name.toLowerCase()} AND NOT coalesce(c.rol${name.toLowerCase()}, false) THEN '${name}' END`,
  );
  return `
  SELECT pg_catalog.current_setting('server_version_num')::pg_catalog.int4 AS version, c.oid IS NOT NULL AS "cloneExists",
    c.rolcanlogin AND c.rolconnlimit = o.rolconnlimit
      AND coalesce(c.rolvaliduntil, 'infinity') = coalesce(o.rolvaliduntil, 'infinity') AS "limitsAreEqual",
    o.rolconnlimit AS "connectionLimit", pg_catalog.to_json(coalesce(o.rolvaliduntil, 'infinity')) AS "validUntil",
    o.rolvaliduntil <= pg_catalog.now() AS "isExpired",
    pg_catalog.pg_has_role(c.oid, o.oid, CASE WHEN pg_catalog.current_setting('server_version_num')::pg_catalog.int4 < 160000
      THEN 'MEMBER' ELSE 'SET' END) AS "isMember",
    pg_catalog.pg_has_role(c.oid, o.oid, 'USAGE') AS inherits,
    pg_catalog.array_remove(ARRAY[${lacking.join(', ')}], NULL) AS attributes,
    ${settingsOf('o.oid')} AS settings, ${settingsOf('c.oid')} AS "cloneSettings",
    ${ownedObjects('c', 'o')} AS owned
    FROM (SELECT) AS one
    LEFT JOIN pg_catalog.pg_roles o ON o.rolname = ${quoteLiteral(original)}
    LEFT JOIN pg_catalog.pg_roles c ON c.rolname = ${quoteLiteral(clone)}`;
}

/**
 * Makes the pending user able to do what the other user can. A clone becomes a member of the original, and acts as it
 * from its login on. So later grants to the original count for both, and what either creates belongs to the original.
 * Each rotation checks this, in both directions, and mends a clone that AWS's template has made or that was altered.
 *
 * @throws PrivilegesMissing if the admin may not copy a setting
 * @throws PermissionDenied if the original's `VALID UNTIL` has passed, or the admin may not hand the clone's objects over
 * @see https://www.postgresql.org/docs/current/sql-alterrole.html
 */
export async function prepareClone(
  session: PostgresSession,
  { username, database, pair: { original, alternate } }: AlternatingCredential,
  context: RotatorContext & { readonly openDatabase: OpenDatabase },
): Promise<void> {
  if (original === undefined) return;
  const isBack = username === original;
  const clone = isBack ? alternate : username;
  const [pair] = await session.query<CloneState>(describePair(original, clone));
  // On the way back: an account that is no member only bears the clone's name.
  if (pair === undefined || (isBack && pair.isMember !== true)) return;
  if (pair.isExpired) throw noLongerValid(original, pair.validUntil ?? '');
  const { limits, settings } = differences(pair, original, clone);
  const roles = settings.filter(isRole).map((setting) => giveOrTake(clone, setting));
  const mandatory = isBack ? [] : limits;
  // A clone that does not act as the original needs inheritance, or it loses what it owned when that is handed over.
  const inheritance = pair.isMember && !pair.inherits ? inherit(pair, original, clone) : [];
  const { owned } = pair;
  const first = [...mandatory, ...inheritance, ...(owned === null ? roles : [])];
  if (first.length > 0) await session.change(first);
  if (owned !== null) {
    // The original gets what the clone owns before the clone begins to act as the original.
    await handOver(session, { from: clone, to: original, database, owned }, context);
    if (roles.length > 0) await session.change(roles);
  }
  if (!isBack) await resemble(session, clone, original, { pair, settings }, context);
}

/**
 * Gives the clone the original's attributes and its other settings. If the admin may not give an attribute, or a setting
 * of logs, a note says so: the clone may still be able to do its work, and the check before AWSCURRENT moves finds out.
 *
 * @throws PrivilegesMissing if the admin may not give another setting
 */
async function resemble(
  session: PostgresSession,
  clone: string,
  original: string,
  { pair, settings }: { readonly pair: CloneState; readonly settings: readonly Difference[] },
  context: RotatorContext,
): Promise<void> {
  const lacking = pair.attributes ?? [];
  if (lacking.length > 0) {
    const failed = await isRefused(() =>
      session.change([`ALTER ROLE ${quoteIdentifier(clone)} WITH ${lacking.join(' ')}`]),
    );
    if (failed)
      context.note(`The admin could not give ${clone} what ${original} has: ${lacking.join(', ')}.`);
  }
  const others = settings.filter((setting) => !isRole(setting));
  const failed = await alignSettings(session, clone, others);
  if (failed.length === 0) return;
  const named = [...new Set(failed.map((setting) => readSetting(setting).name))];
  const missing = named.filter((name) => !isOfLogsAlone(name));
  if (missing.length === 0) {
    context.note(`The admin could not give ${clone} these settings of ${original}: ${named.join(', ')}.`);
    return;
  }
  throw new KeyturnError(
    'PrivilegesMissing',
    `The admin may not give ${clone} the settings that ${original} has: ${missing.join(', ')}.`,
    'Let a superuser set or reset them with ALTER ROLE, or GRANT SET ON PARAMETER to the admin, and rotate again.',
  );
}

function inherit({ version }: CloneState, original: string, clone: string): string[] {
  const [from, to] = [original, clone].map(quoteIdentifier);
  return version >= 160_000 ? [`GRANT ${from} TO ${to} WITH INHERIT TRUE`] : [`ALTER ROLE ${to} INHERIT`];
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
  pair: CloneState,
  original: string,
  clone: string,
): { readonly limits: string[]; readonly settings: Difference[] } {
  const [from, to] = [original, clone].map(quoteIdentifier);
  const limits = `CONNECTION LIMIT ${pair.connectionLimit ?? -1} VALID UNTIL ${quoteLiteral(pair.validUntil ?? 'infinity')}`;
  const { settings, cloneSettings } = pair;
  // If the original itself acts as another role, the clone acts as that one.
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

/** Gives and takes settings: all at once, or each by itself if that is refused. Returns those that were refused. */
async function alignSettings(
  session: PostgresSession,
  clone: string,
  differences: readonly Difference[],
): Promise<Difference[]> {
  const change = (changed: readonly Difference[]): Promise<boolean> =>
    isRefused(() => session.change(changed.map((difference) => giveOrTake(clone, difference))));
  if (differences.length === 0 || !(await change(differences))) return [];
  const failed: Difference[] = [];
  for (const difference of differences) {
    if (await change([difference])) failed.push(difference);
  }
  return failed;
}

/** Makes a change. Returns whether the server refused it, but not its words: they may quote the value of a setting. */
async function isRefused(call: () => Promise<void>): Promise<boolean> {
  try {
    await call();
    return false;
  } catch (error) {
    if (isConflict(error) || !isRefusedByServer(error)) throw error;
    return true;
  }
}

/** Whether the statement failed, and not the connection. */
function isRefusedByServer(error: unknown): boolean {
  if (error instanceof RangeError) return true;
  return /^(42|22|0A|3F|55)/.test(codeOf(error));
}
