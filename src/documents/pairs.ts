import { type Edit, notHeld, type ParsedText, type Slot, textOf } from './form.ts';
import { adoNetSyntax, odbcSyntax, type Pair, type PairSyntax, scanPairs } from './pairs-scanner.ts';
import { keywordName, plainKeyword, readAddress, withInstance } from './sql-server-keywords.ts';
import { definedFields, readEncrypt, readSslMode, readStrict, readSwitch } from './switches.ts';

/** Fields that can be written, and the keyword for one that is missing: all readers of the form know these. */
const writable: ReadonlyMap<string, { readonly [Form in string]?: string }> = new Map([
  ['username', { 'ado-net': 'User Id', odbc: 'UID', jdbc: 'user' }],
  ['password', { 'ado-net': 'Password', odbc: 'PWD', jdbc: 'password' }],
  ['dbname', { 'ado-net': 'Database', odbc: 'Database', jdbc: 'databaseName' }],
]);

/**
 * What makes quotes necessary, since readers differ in them: older go-mssqldb splits at semicolons without a look
 * at quotes, and newer knows no single ones; drivers for Node.js take a brace for a quote where .NET doesn't;
 * mssql-jdbc knows a doubled brace only since 8.4.
 *
 * @see https://github.com/microsoft/go-mssqldb
 * @see https://learn.microsoft.com/en-us/sql/connect/jdbc/building-the-connection-url#escaping-values-in-the-connection-url
 */
const unsafeCharacters = ';"\'={}';

/** Reads an ADO.NET connection string: of SqlClient, of Npgsql (`Host=...;Username=...`) and their like. */
export function parseAdoNet(text: string): ParsedText {
  const pairs = [...scanPairs(text, adoNetSyntax)];
  // MySQL's and others' providers have the same keywords as SQL Server's.
  return { ...parsedPairs(text, adoNetSyntax, pairs, { engine: impliedEngine(pairs) }), engineIsGuess: true };
}

/** Reads an ODBC connection string. */
export function parseOdbc(text: string): ParsedText {
  const pairs = [...scanPairs(text, odbcSyntax)];
  const driver = pairs.find(({ keyword }) => plainKeyword(keyword) === 'driver')?.value ?? '';
  const engineIsGuess = driver === '';
  return { ...parsedPairs(text, odbcSyntax, pairs, { engine: engineOfDriver(driver) }), engineIsGuess };
}

function engineOfDriver(driver: string): string {
  if (/postgres|psqlodbc/i.test(driver)) return 'postgres';
  if (/mariadb/i.test(driver)) return 'mariadb';
  return /mysql/i.test(driver) ? 'mysql' : 'sqlserver';
}

/** SQL Server, unless a keyword is there that only Npgsql knows: https://www.npgsql.org/doc/connection-string-parameters.html */
function impliedEngine(pairs: readonly Pair[]): string {
  const keywords = new Set(pairs.map(({ keyword }) => plainKeyword(keyword)));
  const ofNpgsql = keywords.has('host') && !keywords.has('datasource') && !keywords.has('server');
  return ofNpgsql || keywords.has('searchpath') ? 'postgres' : 'sqlserver';
}

/** A text of pairs as fields. @param base fields that stand outside the pairs */
export function parsedPairs(
  text: string,
  syntax: PairSyntax,
  pairs: readonly Pair[],
  base: { readonly engine: string; readonly [field: string]: unknown },
): ParsedText {
  const values = new Map(pairs.map(({ keyword, value }) => [keywordName(keyword), value]));
  return {
    form: syntax.form,
    fields: pairFields(values, base),
    slots: pairs.flatMap((pair) => slotOf(pair, syntax)),
    append: (missing) => append(text, syntax, pairs, missing),
    unsafeCharacters,
  };
}

function pairFields(values: ReadonlyMap<string, string>, base: ParsedText['fields']): ParsedText['fields'] {
  const { server, instancename, encrypt, sslmode, trustservercertificate, ...rest } =
    Object.fromEntries(values);
  const stated = { ...base, ...(server === undefined ? {} : readAddress(server)), ...rest };
  const { host } = stated;
  return definedFields({
    ...stated,
    host: typeof host === 'string' ? withInstance(host, instancename) : undefined,
    ssl: readEncrypt(encrypt) ?? readSslMode(sslmode),
    encrypt: readStrict(encrypt),
    trustservercertificate: readSwitch(trustservercertificate),
  });
}

function slotOf(pair: Pair, syntax: PairSyntax): Slot[] {
  const field = keywordName(pair.keyword);
  if (!writable.has(field)) return [];
  const { value, valueSpan: span, quote } = pair;
  return [{ field, value, span, encode: (changed) => quoted(textOf(field, changed), syntax, quote) }];
}

/** Safe without quotes for every reader: what `DbConnectionStringBuilder` leaves bare, less what ODBC wants in braces. */
const bare = /^[\p{L}\p{N}!#$%&*+,\-./:<>?@^_`|~\\()]+$/u;
const bareForOdbc = /^[\p{L}\p{N}#$%&+\-./:<>^_`|~]+$/u;

/** A value with the quotes it had, or with such as it needs. */
function quoted(value: string, syntax: PairSyntax, had: string | undefined): string {
  const canBeBare = syntax.form === 'ado-net' ? bare : bareForOdbc;
  if (had === undefined && canBeBare.test(value)) return value;
  // .NET takes no brace for a quote, so that braces are kept only around what they can't change.
  const kept = had === '{' && syntax.form === 'ado-net' && !canBeBare.test(value) ? undefined : had;
  const open = kept ?? (syntax.form === 'ado-net' ? '"' : '{');
  const close = syntax.quotes.get(open) ?? open;
  return open + value.replaceAll(close, close + close) + close;
}

function append(
  text: string,
  syntax: PairSyntax,
  pairs: readonly Pair[],
  missing: ReadonlyMap<string, unknown>,
): Edit[] {
  const end = text.trimEnd().length;
  const last = pairs.at(-1)?.valueSpan.end ?? end;
  let out = '';
  for (const [field, value] of missing) {
    const keyword = writable.get(field)?.[syntax.form];
    if (keyword === undefined) throw notHeld(field, 'has no keyword in a connection string');
    out += `;${keyword}=${quoted(textOf(field, value), syntax, undefined)}`;
  }
  // A final semicolon stays the final one.
  const at = text.slice(last, end).includes(';') ? last : end;
  return [{ start: at, end: at, text: out }];
}
