import { quoteIdentifier, quoteLiteral } from './quoting.ts';

/** A setting of a role as the catalogue keeps it: for all databases, or for one. */
export interface Setting {
  readonly database: string | null;
  /** `name=value`, the value as the server's own parser of settings reads it. */
  readonly setting: string;
}

/**
 * Parameters whose value is a list of names, of which each is quoted where it must be. A list of them that was given
 * as one literal would be one name.
 *
 * @see https://github.com/postgres/postgres/blob/master/src/fe_utils/string_utils.c variable_is_guc_list_quote
 */
const namesFolded = new Set(['search_path', 'temp_tablespaces']);
const namesAsTheyAre = new Set([
  'local_preload_libraries',
  'session_preload_libraries',
  'shared_preload_libraries',
  'unix_socket_directories',
]);

/** Parameters that only change what is written down about a session, and not what it does or may do. */
export const logsAlone = '^(log_|track_|debug_print_|auto_explain\\.|pg_stat_statements\\.)';

/** Whether an application would not notice that a parameter is set otherwise. */
export function isOfLogsAlone(name: string): boolean {
  return new RegExp(logsAlone).test(name);
}

/** The name and the value of a setting. */
export function readSetting({ setting }: Setting): { readonly name: string; readonly value: string } {
  const at = setting.indexOf('=');
  return { name: setting.slice(0, at), value: setting.slice(at + 1) };
}

/**
 * The names of a list, as the server splits it; undefined for what it could not split either. Names without quotes are
 * folded to lower case, except those of files.
 *
 * @see https://github.com/postgres/postgres/blob/master/src/backend/utils/adt/varlena.c SplitIdentifierString
 */
export function splitNames(list: string, fold: boolean): string[] | undefined {
  const names: string[] = [];
  const token = /[ \t\n\r\f\v]*(?:"((?:[^"]|"")*)"|([^", \t\n\r\f\v][^, \t\n\r\f\v]*))[ \t\n\r\f\v]*(,|$)/y;
  if (/^[ \t\n\r\f\v]*$/.test(list)) return [];
  for (;;) {
    const found = token.exec(list);
    if (found === null) return undefined;
    const [, quoted, bare = '', end] = found;
    const plain = fold ? bare.replace(/[A-Z]/g, (letter) => letter.toLowerCase()) : bare;
    names.push(quoted?.replaceAll('""', '"') ?? plain);
    if (end === '') return token.lastIndex === list.length ? names : undefined;
  }
}

/**
 * The statement that gives a role a setting. The value is data: it takes effect in the role's sessions and is never
 * evaluated in this one.
 *
 * @see https://www.postgresql.org/docs/current/sql-alterrole.html
 */
export function giveSetting(role: string, setting: Setting): string {
  const { name, value } = readSetting(setting);
  return `${alterSettings(role, setting)} SET ${quoteParameter(name)} TO ${quoteValue(name, value)}`;
}

/** The statement that takes a setting from a role. */
export function takeSetting(role: string, setting: Setting): string {
  return `${alterSettings(role, setting)} RESET ${quoteParameter(readSetting(setting).name)}`;
}

function alterSettings(role: string, { database }: Setting): string {
  const where = database === null ? '' : ` IN DATABASE ${quoteIdentifier(database)}`;
  return `ALTER ROLE ${quoteIdentifier(role)}${where}`;
}

/** An extension's parameters have a dot, which separates two names. */
function quoteParameter(name: string): string {
  return name.split('.').map(quoteIdentifier).join('.');
}

function quoteValue(name: string, value: string): string {
  const folded = namesFolded.has(name.toLowerCase());
  const names = folded || namesAsTheyAre.has(name.toLowerCase()) ? splitNames(value, folded) : undefined;
  // No list has an empty name, so that one of a single empty name is as good as empty.
  if (names === undefined) return quoteLiteral(value);
  return names.length === 0 ? "''" : names.map(quoteLiteral).join(', ');
}

/** What tells two settings apart: where they apply, their name, and what they mean. */
export function sameSetting(one: Setting, other: Setting): boolean {
  return one.database === other.database && canonical(one) === canonical(other);
}

function canonical(setting: Setting): string {
  const { name, value } = readSetting(setting);
  return JSON.stringify([name, quoteValue(name, value)]);
}
