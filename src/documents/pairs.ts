import type { KeyturnError } from '../errors.ts';
import {
  connectionText,
  type Edit,
  type Embedding,
  malformed,
  notHeld,
  type ParsedText,
  refused,
  type Slot,
} from './form.ts';
import { otherLogin } from './other-logins.ts';
import {
  adoNetKeywords,
  goKeywords,
  nameIn,
  odbcKeywords,
  pdoKeywords,
  type Vocabulary,
} from './pair-keywords.ts';
import {
  adoNetSyntax,
  goOdbcSyntax,
  type KeywordValue,
  odbcSyntax,
  type PairSyntax,
  pdoSyntax,
  scanPairs,
} from './pairs-scanner.ts';
import { plainKeyword, readAddress, withInstance } from './sql-server-keywords.ts';
import { definedFields, readEncrypt, readSslMode, readStrict, readSwitch } from './switches.ts';

const writable = new Set(['username', 'password', 'dbname']);

/**
 * All punctuation but four characters. The others need quotes or braces for some reader, and readers differ in those.
 * go-mssqldb up to 1.9.2 takes quotes for a part of the value. FreeTDS misreads braces at the end. ODBC wants braces around
 * `[]{}(),;?*=!@`. Drivers for Node.js take a brace for a quote, and .NET doesn't. mssql-jdbc knows a doubled brace only
 * since 8.4. jTDS knows neither quotes nor braces.
 *
 * @see https://github.com/microsoft/go-mssqldb
 * @see https://learn.microsoft.com/en-us/sql/odbc/reference/syntax/sqldriverconnect-function#comments
 * @see https://learn.microsoft.com/en-us/sql/connect/jdbc/building-the-connection-url#escaping-values-in-the-connection-url
 */
const unsafeCharacters = '!"#$%&\'()*+,/:;<=>?@[\\]^`{|}';

const pdoPrefix = /^\s*(mysql|sqlsrv|dblib|mssql|sybase):(?=\s*\w+\s*=)/i;

/** Whether a text is a data source name of PHP for MySQL or SQL Server. */
export function isPdo(text: string): boolean {
  return pdoPrefix.test(text);
}

/** @see https://www.php.net/manual/en/pdo.drivers.php */
function parsePdo(text: string, prefix: string, driver: string): ParsedText {
  const engine = /^mysql$/i.test(driver) ? 'mysql' : /^sybase$/i.test(driver) ? 'sybase' : 'sqlserver';
  return parsedPairs(text, pdoSyntax, pdoKeywords, [...scanPairs(text, pdoSyntax, prefix.length)], {
    engine,
  });
}

/** Reads an ADO.NET connection string, as for SqlClient or Npgsql (`Host=...;Username=...`). @throws MalformedSecret */
export function parseAdoNet(text: string): ParsedText {
  const [prefix = '', driver] = pdoPrefix.exec(text) ?? [];
  if (driver !== undefined) return parsePdo(text, prefix, driver);
  const escaped = text.search(xmlEntity);
  if (escaped >= 0)
    throw malformed('ado-net', escaped, 'an escape of XML, such as &quot;, which no driver decodes');
  const pairs = [...scanPairs(text, adoNetSyntax)];
  // Providers for MySQL and others have the same keywords as SQL Server's, so the engine is a guess.
  const engine = impliedEngine(pairs);
  const parsed = parsedPairs(text, adoNetSyntax, adoNetKeywords, pairs, { engine });
  return { ...parsed, engineIsGuess: true, refusal: parsed.refusal ?? bracedValue(pairs) };
}

/** A string that was copied from a web.config has such escapes. Their semicolons would cut the values. */
const xmlEntity = /&(?:quot|apos|amp|lt|gt|#\d+|#x[\da-f]+);/i;

/** The refusal of a value in braces. .NET reads `Password={x}` as three characters, drivers for Node.js as one. */
function bracedValue(pairs: readonly KeywordValue[]): KeyturnError | undefined {
  const login = new Set(['server', ...writable]);
  const braced = pairs.find(
    ({ keyword, quote }) => quote === '{' && login.has(nameIn(adoNetKeywords, keyword)),
  );
  if (braced === undefined) return undefined;
  return refused(
    braced.keyword,
    `The secret's "${braced.keyword}" is in braces, which .NET reads as a part of the value and drivers for Node.js as quotes.`,
    'Write it without braces, or in double quotes, or name its form with the tag keyturn:form if it is ODBC.',
  );
}

const goPrefix = /^\s*odbc:/i;

/** Reads an ODBC connection string. One that begins with `odbc:` is go-mssqldb's. @throws MalformedSecret */
export function parseOdbc(text: string): ParsedText {
  const go = goPrefix.exec(text)?.[0].length;
  if (go !== undefined) {
    const pairs = [...scanPairs(text, goOdbcSyntax, go)];
    return parsedPairs(text, goOdbcSyntax, goKeywords, pairs, { engine: 'sqlserver' });
  }
  const pairs = [...scanPairs(text, odbcSyntax)];
  const driver = pairs.find(({ keyword }) => plainKeyword(keyword) === 'driver')?.value ?? '';
  const engine = engineOfDriver(driver);
  const parsed = parsedPairs(text, odbcSyntax, odbcKeywords(engine, driver), pairs, { engine });
  const isUnknown = driver === '';
  return {
    ...parsed,
    engineIsGuess: isUnknown,
    refusal: parsed.refusal ?? (isUnknown ? twoLogins(pairs) : undefined),
  };
}

/**
 * The refusal of a keyword that is there twice, with two values. Microsoft's drivers take the first, FreeTDS the last. A string
 * without a driver does not say which of them reads it.
 */
function twoLogins(pairs: readonly KeywordValue[]): KeyturnError | undefined {
  const values = new Map<string, string>();
  for (const { keyword, value } of pairs) {
    const name = keyword.toLowerCase();
    const earlier = values.get(name);
    if (/^(uid|pwd|server)$/.test(name) && earlier !== undefined && earlier !== value)
      return refused(
        keyword,
        `The secret has "${keyword}" twice, and drivers differ in which one they take.`,
        'Take one of them out, or name the driver in the string.',
      );
    values.set(name, value);
  }
  return undefined;
}

function engineOfDriver(driver: string): string {
  if (/redshift/i.test(driver)) return 'redshift';
  if (/postgres|psqlodbc/i.test(driver)) return 'postgres';
  if (/mariadb|maodbc/i.test(driver)) return 'mariadb';
  return /mysql|myodbc/i.test(driver) ? 'mysql' : 'sqlserver';
}

const keywordsOfNpgsql = [
  'searchpath',
  'targetsessionattributes',
  'includeerrordetail',
  'passfile',
  'rootcertificate',
  'noresetonclose',
];
const keywordsOfMysql = [
  'allowuservariables',
  'allowpublickeyretrieval',
  'allowzerodatetime',
  'convertzerodatetime',
  'characterset',
  'charset',
  'connectionprotocol',
  'serverrsapublickeyfile',
  'sslca',
  'tlsversion',
  'treattinyasboolean',
];

/**
 * SQL Server, unless the string has a keyword that only another provider knows. SqlClient has no keyword for a port. So a
 * string with a port is for another engine, and the usual ports tell which. Undefined if it can't be told.
 *
 * @see https://www.npgsql.org/doc/connection-string-parameters.html
 * @see https://mysqlconnector.net/connection-options/
 */
function impliedEngine(pairs: readonly KeywordValue[]): string | undefined {
  const values = new Map(pairs.map(({ keyword, value }) => [plainKeyword(keyword), value]));
  const hasOne = (keywords: readonly string[]): boolean => keywords.some((keyword) => values.has(keyword));
  if (hasOne(keywordsOfMysql)) return 'mysql';
  if (hasOne(keywordsOfNpgsql)) return 'postgres';
  const port = values.get('port')?.trim();
  if (port === '3306' || port === '33060') return 'mysql';
  const mode = values.get('sslmode') ?? '';
  if (/^(none|preferred|required)$/i.test(mode)) return 'mysql';
  if (values.has('host') && !hasOne(['datasource', 'server'])) return 'postgres';
  if (/^(54\d\d|6432|5439)$/.test(port ?? '') || /^(require|allow|disable|prefer)$/i.test(mode))
    return 'postgres';
  return port === undefined || port === '1433' ? 'sqlserver' : undefined;
}

/**
 * Makes fields and places out of pairs.
 *
 * @param base fields that stand outside the pairs
 */
export function parsedPairs(
  text: string,
  syntax: PairSyntax,
  vocabulary: Vocabulary,
  pairs: readonly KeywordValue[],
  base: { readonly engine: string | undefined; readonly [field: string]: unknown },
): ParsedText {
  const named = pairs.map((pair) => ({ ...pair, field: nameIn(vocabulary, pair.keyword) }));
  const ordered = vocabulary.counts === 'first' ? named.toReversed() : named;
  const values = new Map(ordered.map(({ field, value }) => [field, value]));
  const fields = pairFields(values, base);
  // Other drivers know other keywords for a password. Such a keyword is written too, if it holds the same password.
  const isCopy = ({ keyword, value }: KeywordValue): boolean =>
    nameIn(adoNetKeywords, keyword) === 'password' && value !== '' && value === fields.password;
  const slots = named.flatMap((pair) => {
    const field = isCopy(pair) ? 'password' : pair.field;
    return writable.has(field) ? [slotOf(pair, field, syntax)] : [];
  });
  const others = named.filter(
    ({ field, keyword }) => !writable.has(field) && !harmless.has(field) && !isInner(keyword),
  );
  return {
    form: syntax.form,
    fields,
    slots,
    append: (missing) => append(text, syntax, vocabulary, pairs, missing),
    unsafeCharacters,
    others: others.filter((pair) => !isCopy(pair)).map(({ keyword, value }) => ({ path: keyword, value })),
    inner: pairs.filter(({ keyword }) => isInner(keyword)).map((pair) => embeddedValue(pair, syntax)),
    refusal:
      otherLogin(ordered.map(({ keyword, value }) => [keyword, value])) ??
      foreignKeyword(pairs, syntax, vocabulary, fields),
  };
}

const harmless = new Set(['server', 'port', 'instancename', 'driver', 'dsn']);

/** Entity Framework's connection strings hold another one, for the provider. */
function isInner(keyword: string): boolean {
  return /^(providerconnectionstring|extendedproperties|connectionstring)$/.test(plainKeyword(keyword));
}

function embeddedValue({ keyword, value, valueSpan, quote }: KeywordValue, syntax: PairSyntax): Embedding {
  const close = quote === undefined ? '' : (syntax.quotes.get(quote) ?? '');
  const offsets: number[] = [];
  let at = valueSpan.start + (quote === undefined ? 0 : 1);
  for (const character of value.split('')) {
    offsets.push(at);
    at += character === close ? 2 : 1;
  }
  offsets.push(at);
  const encode = (chunk: string): string => (close === '' ? chunk : chunk.replaceAll(close, close + close));
  return { path: keyword, text: value, offsets, encode };
}

/** The refusal of a user or password under a keyword that the form's drivers don't know, if no other keyword holds it. */
function foreignKeyword(
  pairs: readonly KeywordValue[],
  { form }: PairSyntax,
  vocabulary: Vocabulary,
  fields: ParsedText['fields'],
): KeyturnError | undefined {
  for (const field of ['username', 'password']) {
    const value = fields[field];
    const foreign = pairs.find(
      ({ keyword }) => nameIn(adoNetKeywords, keyword) === field && nameIn(vocabulary, keyword) !== field,
    );
    if (foreign === undefined || (value !== undefined && value !== '')) continue;
    return refused(
      field,
      `The secret's "${foreign.keyword}" means nothing to the drivers that read ${form === 'odbc' ? 'an ODBC connection string' : 'this JDBC URL'}.`,
      `Name it ${vocabulary.written[field]}, as they do.`,
    );
  }
  return undefined;
}

function pairFields(values: ReadonlyMap<string, string>, base: ParsedText['fields']): ParsedText['fields'] {
  const { server, instancename, encrypt, encryption, ssl, sslmode, trustservercertificate, ...rest } =
    Object.fromEntries(values);
  const stated = { ...base, ...(server === undefined ? {} : readAddress(server)), ...rest };
  const { host } = stated;
  return definedFields({
    ...stated,
    host: typeof host === 'string' ? withInstance(host, instancename) : undefined,
    ssl:
      readEncrypt(encrypt ?? encryption) ??
      readSslMode(sslmode) ??
      readSslMode(ssl === 'authenticate' ? 'require' : ssl) ??
      readSwitch(ssl),
    encrypt: readStrict(encrypt ?? encryption),
    trustservercertificate: readSwitch(trustservercertificate),
  });
}

function slotOf({ value, valueSpan: span, quote }: KeywordValue, field: string, syntax: PairSyntax): Slot {
  return { field, value, span, encode: (changed) => quoted(field, changed, syntax, quote) };
}

/** Values that need no quotes: what `DbConnectionStringBuilder` writes without them. */
const bare = /^[\p{L}\p{N}!#$%&*+,\-./:<>?@^_`|~\\()[\]]+$/u;
/** The same without the characters that ODBC wants in braces. */
const bareForOdbc = /^[\p{L}\p{N}#$%&+\-./:<>^_`|~]+$/u;

/** A value in the quotes that it had, or in those that it needs. */
function quoted(field: string, changed: unknown, syntax: PairSyntax, had: string | undefined): string {
  const value = connectionText(field, changed);
  if (syntax.quotes.size === 0) {
    if (!/[;\r\n]|^\s|\s$/.test(value)) return value;
    throw notHeld(field, 'holds a semicolon, a line break or outer space, for which this form has no quotes');
  }
  const canBeBare = syntax.form === 'ado-net' ? bare : bareForOdbc;
  if (had === undefined && canBeBare.test(value)) return value;
  // .NET does not take a brace for a quote. So braces are kept only around a value that needs no quotes.
  const kept = had === '{' && syntax.form === 'ado-net' && !canBeBare.test(value) ? undefined : had;
  const open = kept ?? (syntax.form === 'ado-net' ? '"' : '{');
  const close = syntax.quotes.get(open) ?? open;
  return open + value.replaceAll(close, close + close) + close;
}

function append(
  text: string,
  syntax: PairSyntax,
  vocabulary: Vocabulary,
  pairs: readonly KeywordValue[],
  missing: ReadonlyMap<string, unknown>,
): Edit[] {
  const end = text.trimEnd().length;
  const last = pairs.at(-1)?.valueSpan.end ?? end;
  let out = '';
  for (const [field, value] of missing) {
    const keyword = vocabulary.written[field];
    if (keyword === undefined) throw notHeld(field, 'has no keyword in a connection string');
    out += `;${keyword}=${quoted(field, value, syntax, undefined)}`;
  }
  // A final semicolon stays the final one.
  const at = text.slice(last, end).includes(';') ? last : end;
  return [{ start: at, end: at, text: out }];
}
