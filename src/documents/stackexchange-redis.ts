import type { SecretFields } from './fields.ts';
import { connectionText, type Edit, notHeld, type ParsedText, type Slot, type Span } from './form.ts';
import { definedFields, readSwitch } from './switches.ts';

/*
 * The configuration string of StackExchange.Redis, the usual client for .NET: servers and options with commas between
 * them, such as `redis.example.com:6380,user=shop,password=...,ssl=true`. There are no quotes and no escapes.
 *
 * https://stackexchange.github.io/StackExchange.Redis/Configuration, and how it is read:
 * https://github.com/StackExchange/StackExchange.Redis/blob/main/src/StackExchange.Redis/ConfigurationOptions.cs
 */

/** Options that mean a field, in lower case: their names have no case. */
const fieldOfOption: ReadonlyMap<string, string> = new Map([
  ['user', 'username'],
  ['password', 'password'],
  ['defaultdatabase', 'dbname'],
  ['ssl', 'ssl'],
  ['sslhost', 'sslservername'],
  ['servicename', 'mastername'],
]);

const writable = new Set(['username', 'password', 'dbname']);

/** A comma ends a value. The others have a meaning in shells and files. */
const unsafeCharacters = ',"\'\\$`';

/** A server comes first. A password, or an option that only this client has, comes later, with no semicolon before it. */
const startsAsConfiguration =
  /^\s*(?:[\w.-]+|\[[\da-f:.]+\])(?::\d{1,5})?\s*,(?:[^;=,]*=[^;,]*,|[^;=,]*,)*\s*(?:password|user|ssl|sslhost|servicename|abortconnect|allowadmin|defaultdatabase)\s*=/i;

/** Whether a text is a configuration of StackExchange.Redis. */
export function isStackExchangeRedis(text: string): boolean {
  return startsAsConfiguration.test(text);
}

interface Part {
  /** The name of the option, in lower case. Undefined for a server. */
  readonly option: string | undefined;
  readonly value: string;
  readonly span: Span;
}

/** Reads a configuration of StackExchange.Redis. */
export function parseStackExchangeRedis(text: string): ParsedText {
  const parts = [...scan(text)];
  const slots: Slot[] = parts.flatMap(({ option, value, span }) => {
    const field = option === undefined ? undefined : fieldOfOption.get(option);
    if (field === undefined || !writable.has(field)) return [];
    return [{ field, value, span, encode: (changed: unknown) => encode(field, changed) }];
  });
  return {
    form: 'stackexchange-redis',
    fields: fieldsOf(parts),
    slots,
    append: (missing) => append(text, missing),
    unsafeCharacters,
    others: parts.flatMap(({ option, value }) =>
      option === undefined || writable.has(fieldOfOption.get(option) ?? '') ? [] : [{ path: option, value }],
    ),
  };
}

function* scan(text: string): Generator<Part> {
  let at = 0;
  for (const raw of text.split(',')) {
    const [start, end] = [at, at + raw.length];
    at = end + 1;
    if (raw.trim() === '') continue;
    const equals = raw.trimStart().indexOf('=');
    if (equals <= 0) {
      yield { option: undefined, value: raw.trim(), span: trimmed(text, start, end) };
      continue;
    }
    const split = start + raw.indexOf('=');
    const span = trimmed(text, split + 1, end);
    yield {
      option: text.slice(start, split).trim().toLowerCase(),
      value: text.slice(span.start, span.end),
      span,
    };
  }
}

function trimmed(text: string, start: number, end: number): Span {
  const part = text.slice(start, end);
  const before = part.length - part.trimStart().length;
  return { start: start + before, end: start + before + part.trim().length };
}

/** If an option is there more than once, the last one counts. */
function fieldsOf(parts: readonly Part[]): SecretFields {
  const options = new Map(
    parts.flatMap(({ option, value }) => (option === undefined ? [] : [[option, value] as const])),
  );
  const named = [...fieldOfOption].map(
    ([option, field]) => [field, options.get(option) || undefined] as const,
  );
  const { ssl, ...said } = Object.fromEntries(named);
  const servers = parts.flatMap(({ option, value }) => (option === undefined ? [value] : []));
  const encrypted = readSwitch(ssl);
  // The client's own default for a server without a port.
  const port = encrypted === true && said.mastername === undefined ? 6380 : undefined;
  return definedFields({ engine: 'redis', ...addressFields(servers, port), ...said, ssl: encrypted });
}

function addressFields(servers: readonly string[], port: number | undefined): SecretFields {
  const [only] = servers;
  if (servers.length !== 1 || only === undefined) return { host: servers.join(',') || undefined, port };
  const [, host = only, stated] = /^(\[[^\]]*\]|[^:]*):(\d+)$/.exec(only) ?? [];
  return { host, port: stated ?? port };
}

function encode(field: string, value: unknown): string {
  const text = connectionText(field, value);
  // .NET takes U+0085 for a space, and JavaScript does not.
  if (text !== '' && text === text.trim() && !/^\u0085|\u0085$|,/.test(text)) return text;
  throw notHeld(field, 'must not have a comma, nor a space at its ends, where StackExchange.Redis reads it');
}

const optionOfField: ReadonlyMap<string, string> = new Map(
  [...fieldOfOption].map(([option, field]) => [field, option]),
);

function append(text: string, missing: ReadonlyMap<string, unknown>): Edit[] {
  const end = text.trimEnd().length;
  const added = [...missing].map(([field, value]) => {
    const option = writable.has(field) ? optionOfField.get(field) : undefined;
    if (option === undefined) throw notHeld(field, 'has no place in a configuration of StackExchange.Redis');
    return `,${option}=${encode(field, value)}`;
  });
  return [{ start: end, end, text: added.join('') }];
}
