import {
  connectionText,
  type Edit,
  malformed,
  notHeld,
  type ParsedText,
  type Slot,
  type Span,
} from './form.ts';
import { definedFields, readSslMode } from './switches.ts';

/** A keyword and its value. */
export interface Setting {
  readonly keyword: string;
  readonly value: string;
  readonly valueSpan: Span;
  readonly quoted: boolean;
}

// Only the spaces of C's isspace() count. Unicode has others.
const space = /[ \t\n\r\f\v]*/y;
const keyword = /[^ \t\n\r\f\v=]*/y;
// A backslash makes any character part of the value, inside quotes and outside.
const bareValue = /(?:\\.|[^ \t\n\r\f\v\\])*/sy;
const quotedValue = /'(?:\\.|[^'\\])*'/sy;

function match(token: RegExp, text: string, at: number): string {
  token.lastIndex = at;
  return token.exec(text)?.[0] ?? '';
}

/**
 * Reads `keyword=value ...`, one by one. The caller can use the settings before a mistake.
 *
 * @throws MalformedSecret
 * @see https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-KEYWORD-VALUE
 */
export function* scanSettings(text: string): Generator<Setting> {
  let at = match(space, text, 0).length;
  while (at < text.length) {
    const name = match(keyword, text, at);
    if (name === '') throw malformed('libpq', at, 'an equals sign has no keyword');
    const equals = at + name.length + match(space, text, at + name.length).length;
    if (text[equals] !== '=') throw malformed('libpq', at, 'a keyword has no equals sign');
    const start = equals + 1 + match(space, text, equals + 1).length;
    const quoted = text[start] === "'";
    const raw = match(quoted ? quotedValue : bareValue, text, start);
    if (quoted && raw === '') throw malformed('libpq', start, 'a quoted value does not end');
    const end = start + raw.length;
    const value = (quoted ? raw.slice(1, -1) : raw).replace(/\\(.)/gs, '$1');
    yield { keyword: name, value, valueSpan: { start, end }, quoted };
    at = end + match(space, text, end).length;
  }
}

const fieldOfKeyword: ReadonlyMap<string, string> = new Map([
  ['user', 'username'],
  ['password', 'password'],
  ['dbname', 'dbname'],
]);

/** The keywords by which the form is recognised. libpq's other keywords occur in other forms too. */
export const libpqKeywords = new Set(['host', 'hostaddr', 'port', 'dbname', 'user', 'password', 'service']);

const pdoPrefix = /^\s*pgsql:(?=\s*\w+\s*=)/i;

/** Whether a text is a data source name of PHP's driver. */
export function isPdoPostgres(text: string): boolean {
  return pdoPrefix.test(text);
}

/**
 * Reads a connection string of keywords, as for libpq and psycopg. PHP's data source names are read too: its driver replaces
 * semicolons by spaces, and hands what follows `pgsql:` to libpq.
 *
 * @throws MalformedSecret
 * @see https://www.php.net/manual/en/ref.pdo-pgsql.connection.php
 */
export function parseLibpq(text: string): ParsedText {
  const prefix = pdoPrefix.exec(text)?.[0] ?? '';
  const isPdo = prefix !== '';
  const settings = [
    ...scanSettings(
      isPdo ? ' '.repeat(prefix.length) + text.slice(prefix.length).replaceAll(';', ' ') : text,
    ),
  ];
  const values = Object.fromEntries(settings.map((setting) => [setting.keyword, setting.value]));
  const { host, hostaddr, port, user, sslmode, ...rest } = values;
  return {
    form: 'libpq',
    fields: definedFields({
      engine: 'postgres',
      ...rest,
      // There may be several hosts and ports, with commas between them. The rotator knows what that means.
      host: host || hostaddr || undefined,
      port: port || undefined,
      username: user,
      ssl: readSslMode(sslmode),
    }),
    slots: settings.flatMap(slotOf).map((slot) => (isPdo ? withoutSemicolon(slot) : slot)),
    append: (missing) => append(text, missing, isPdo ? ';' : ' '),
    // They must be escaped, or have a meaning in shells and .env files, or some parsers of the form split at them.
    unsafeCharacters: '!"#$%&\'()*+,/:;<=>?@[\\]^`{|}',
    others: settings
      .filter(({ keyword: name }) => !fieldOfKeyword.has(name) && !libpqKeywords.has(name))
      .map(({ keyword: name, value }) => ({ path: name, value })),
  };
}

function slotOf({ keyword: name, value, valueSpan, quoted }: Setting): Slot[] {
  const field = fieldOfKeyword.get(name);
  if (field === undefined) return [];
  return [
    { field, value, span: valueSpan, encode: (changed) => encode(connectionText(field, changed), quoted) },
  ];
}

/** PHP's driver takes a semicolon for a separator, even in quotes. */
function withoutSemicolon(slot: Slot): Slot {
  const written = (value: unknown): string => {
    const text = slot.encode(value);
    if (!text.includes(';')) return text;
    throw notHeld(slot.field, "holds a semicolon, for which PHP's data source names have no quotes");
  };
  return { ...slot, encode: written };
}

function encode(value: string, quoted: boolean): string {
  if (!quoted && /^[^\s'\\]+$/.test(value)) return value;
  return `'${value.replace(/['\\]/g, '\\$&')}'`;
}

function append(text: string, missing: ReadonlyMap<string, unknown>, separator: ' ' | ';'): Edit[] {
  const at = text.trimEnd().length;
  const added = [...missing].map(([field, value]) => {
    const [name] = [...fieldOfKeyword].find(([, found]) => found === field) ?? [];
    if (name === undefined) throw notHeld(field, 'has no keyword in a libpq connection string');
    const written = encode(connectionText(field, value), false);
    if (separator === ';' && written.includes(';'))
      throw notHeld(field, "holds a semicolon, for which PHP's data source names have no quotes");
    return `${separator}${name}=${written}`;
  });
  return [{ start: at, end: at, text: added.join('') }];
}
