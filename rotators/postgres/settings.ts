import { quoteIdentifier, quoteLiteral } from './quoting.ts';

/** A setting of a role as the catalogue keeps it: for all databases, or for one. */
export interface Setting {
  readonly database: string | null;
  /** `name=value`, the value as the server's own parser of settings reads it. */
  readonly setting: string;
}

/**
 * Parameters whose value is a list of names. Each name has to be a literal of its own: the server would take a whole
 * list in one literal for a single name. Names of schemas and tablespaces are folded to lower case, those of files not.
 *
 * @see https://github.com/postgres/postgres/blob/master/src/fe_utils/string_utils.c variable_is_guc_list_quote
 */
const listsOfIdentifiers = new Set(['search_path', 'temp_tablespaces']);
const listsOfFiles = new Set([
  'local_preload_libraries',
  'session_preload_libraries',
  'shared_preload_libraries',
  'unix_socket_directories',
]);

/** Parameters that only change what is written down about a session, and not what it does or may do. */
export const logsAlone = '^(log_|track_|debug_print_|auto_explain\\.|pg_stat_statements\\.)';

/** Whether a parameter is one of {@link logsAlone}, so that an application does not notice its value. */
export function isOfLogsAlone(name: string): boolean {
  return new RegExp(logsAlone).test(name);
}

/** The name and the value of a setting. */
export function readSetting({ setting }: Setting): { readonly name: string; readonly value: string } {
  const at = setting.indexOf('=');
  return { name: setting.slice(0, at), value: setting.slice(at + 1) };
}

/**
 * The names of a list, as the server splits it. Undefined if the server could not split it either.
 *
 * @param fold whether names without quotes are folded to lower case; the server does not fold those of files
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
  const folded = listsOfIdentifiers.has(name.toLowerCase());
  const names = folded || listsOfFiles.has(name.toLowerCase()) ? splitNames(value, folded) : undefined;
  // SET has no way to write an empty list. A list of one empty name does the same: nothing has an empty name.
  if (names === undefined) return quoteLiteral(value);
  return names.length === 0 ? "''" : names.map(quoteLiteral).join(', ');
}

/** Whether two settings apply in the same databases, have the same name and mean the same. */
export function sameSetting(one: Setting, other: Setting): boolean {
  return one.database === other.database && canonical(one) === canonical(other);
}

function canonical(setting: Setting): string {
  const { name, value } = readSetting(setting);
  return JSON.stringify([name, quoteValue(name, value)]);
}
