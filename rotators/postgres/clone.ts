import { KeyturnError, type RotatorContext } from '../../src/rotator/index.ts';
import { isConflict } from './conflict.ts';
import type { AlternatingCredential } from './credential.ts';
import { handOver, type OpenDatabase, type OwnedObjects, ownedObjects } from './ownership.ts';
import { quoteIdentifier, quoteLiteral } from './quoting.ts';
import { codeOf } from './server-error.ts';
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
  /** Whether the original's passwords are valid no more, and so the clone's, which is given the same date. */
  readonly isExpired: boolean | null;
  /** Whether the clone may act as the original, and has its rights without doing so. */
  readonly isMember: boolean | null;
  readonly inherits: boolean | null;
  /** Attributes of the original that the clone has not. */
  readonly attributes: readonly string[] | null;
  readonly settings: readonly Setting[];
  readonly cloneSettings: readonly Setting[];
  /** What the clone owns itself. */
  readonly owned: OwnedObjects | null;
}

/** The settings of a role. They apply at its own login only, and not where it acts as another's. */
function settingsOf(role: string): string {
  return `coalesce((SELECT pg_catalog.json_agg(pg_catalog.json_build_object('database', d.datname, 'setting', setting))
     FROM pg_catalog.pg_db_role_setting s CROSS JOIN pg_catalog.unnest(s.setconfig) AS setting
     LEFT JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase
    WHERE s.setrole = ${role}), '[]'::pg_catalog.json)`;
}

/** Attributes that no membership gives: they are lost where a pooler resets the session, and REPLICATION always. */
const attributes = ['CREATEDB', 'CREATEROLE', 'BYPASSRLS', 'REPLICATION'];

/** Asks as one statement and one row. Before Postgres 16 every member may act as the role. */
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
 * Makes the pending user able to stand in for the other. A clone becomes a member of the original and acts as it
 * from its login on, so that whatever is granted to the original later, and whatever either creates, belongs to
 * both for good. Looked at in each rotation and in both directions, so that a clone made by AWS's template, or altered
 * since, is mended.
 *
 * @throws PrivilegesMissing, PermissionDenied where the admin may not do what the pending user needs
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
  // An account that only bears the clone's name has nothing to do with the original.
  if (pair === undefined || (isBack && pair.isMember !== true)) return;
  if (pair.isExpired) throw noLongerValid(original, pair.validUntil ?? '');
  const { limits, settings } = differences(pair, original, clone);
  const roles = settings.filter(isRole).map((setting) => giveOrTake(clone, setting));
  const mandatory = isBack ? [] : limits;
  // Without inheritance, a clone that did not act as the original would lose what is handed over.
  const inheritance = pair.isMember && !pair.inherits ? inherit(pair, original, clone) : [];
  const { owned } = pair;
  const first = [...mandatory, ...inheritance, ...(owned === null ? roles : [])];
  if (first.length > 0) await session.change(first);
  if (owned !== null) {
    // What the clone owns is the original's before the clone begins to act as that.
    await handOver(session, { from: clone, to: original, database, owned }, context);
    if (roles.length > 0) await session.change(roles);
  }
  if (!isBack) await resemble(session, clone, original, { pair, settings }, context);
}

/** What the clone can do its work without, if need be: whether it can, is found out. */
async function resemble(
  session: PostgresSession,
  clone: string,
  original: string,
  { pair, settings }: { readonly pair: CloneState; readonly settings: readonly Difference[] },
  context: RotatorContext,
): Promise<void> {
  const lacking = pair.attributes ?? [];
  if (lacking.length > 0) {
    const failed = await tryTo(() =>
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

/** Gives and takes settings: all in one message, or, where the admin may not, each by itself. Tells what has failed. */
async function alignSettings(
  session: PostgresSession,
  clone: string,
  differences: readonly Difference[],
): Promise<Difference[]> {
  const change = (changed: readonly Difference[]): Promise<boolean> =>
    tryTo(() => session.change(changed.map((difference) => giveOrTake(clone, difference))));
  if (differences.length === 0 || !(await change(differences))) return [];
  const failed: Difference[] = [];
  for (const difference of differences) {
    if (await change([difference])) failed.push(difference);
  }
  return failed;
}

/** Whether the server refused it. Its words are not passed on: they may quote the value of a setting. */
async function tryTo(call: () => Promise<void>): Promise<boolean> {
  try {
    await call();
    return false;
  } catch (error) {
    if (isConflict(error) || !isRefusedByServer(error)) throw error;
    return true;
  }
}

/** An error of the statement, and not of the connection. */
function isRefusedByServer(error: unknown): boolean {
  if (error instanceof RangeError) return true;
  return /^(42|22|0A|3F|55)/.test(codeOf(error));
}
