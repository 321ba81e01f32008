import { type Edit, notHeld, type ParsedText, type Slot, textOf } from './form.ts';
import { withInstance } from './sql-server-keywords.ts';
import { definedFields, readEncrypt, readSslMode, readStrict, readSwitch } from './switches.ts';
import { decodePart, type QueryPart, readHost, scanUrl, type UrlParts } from './url-scanner.ts';

/** The engines that schemes mean. Any other scheme is its own engine. */
const engines: ReadonlyMap<string, string> = new Map([
  ['postgres', 'postgres'],
  ['postgresql', 'postgres'],
  ['mysql', 'mysql'],
  ['mysql2', 'mysql'],
  ['mariadb', 'mariadb'],
  ['mongodb', 'mongo'],
  ['mongodb+srv', 'mongo'],
  ['redis', 'redis'],
  ['rediss', 'redis'],
  ['sqlserver', 'sqlserver'],
  ['mssql', 'sqlserver'],
  ['redshift', 'redshift'],
]);

/** Schemes that say by themselves whether TLS is used. */
const tlsOfScheme: ReadonlyMap<string, boolean> = new Map([
  ['redis', false],
  ['rediss', true],
  ['mongodb+srv', true],
]);

/** Parameters that mean a field. */
const fieldOfParameter: ReadonlyMap<string, string> = new Map([
  ['user', 'username'],
  ['username', 'username'],
  ['user id', 'username'],
  ['uid', 'username'],
  ['password', 'password'],
  ['pwd', 'password'],
  ['host', 'host'],
  ['port', 'port'],
  ['dbname', 'dbname'],
  ['database', 'dbname'],
]);

const writable = new Set(['username', 'password', 'dbname']);

/**
 * All that must be percent-encoded in one place or another: a password without them is read right also by those
 * who forget to decode, decode twice, take + for a space (URLSearchParams, pgjdbc) or don't (libpq), and by
 * pg-connection-string, which spoils what is encoded where the URL has a raw space elsewhere.
 *
 * @see https://github.com/brianc/node-postgres/blob/master/packages/pg-connection-string/index.js
 */
const unsafeCharacters = '"#$%&\'+,/:;<=>?@[\\]^`{|}';

/** Whether a scheme is a database's, whose URLs are recognised also as part of a JSON secret. */
export function isDatabaseUrl(text: string): boolean {
  const [, scheme = ''] = /^\s*(?:jdbc:)?([a-z][a-z0-9+.-]*):\/\//i.exec(text) ?? [];
  return engines.has(scheme.toLowerCase());
}

/** Reads a URL, or what follows `jdbc:`. @throws MalformedSecret */
export function parseUrl(text: string, form: 'url' | 'jdbc' = 'url'): ParsedText {
  const parts = scanUrl(text, form);
  const parameters = parts.query.map((part) => readParameter(text, part, form));
  const inQuery = parameters.flatMap(({ slot }) => slot ?? []);
  const inParameter = (field: string): boolean => inQuery.some((slot) => slot.field === field);
  // An empty place before the host is none where a parameter holds the field.
  const beforeHost = userSlots(text, parts, form).filter(({ field, value }) => value || !inParameter(field));
  const slots = [...beforeHost, ...inQuery];
  return {
    form,
    fields: urlFields(text, parts, form, slots, parameters),
    slots,
    append: (missing) => append(parts, form === 'jdbc' || inQuery.some(isCredential), missing),
    unsafeCharacters,
  };
}

interface Parameter {
  readonly name: string;
  readonly value: string;
  readonly slot: Slot | undefined;
}

function readParameter(text: string, part: QueryPart, form: 'url' | 'jdbc'): Parameter {
  const written = decodePart(text, part.name, form, true);
  const name = fieldOfParameter.get(written.toLowerCase()) ?? written;
  const value = decodePart(text, part.value, form, true);
  // After a name without an equals sign there is no place for a value; it holds none, and is left.
  const hasPlace = part.value.start > part.name.end;
  const slot = { field: name, value, span: part.value, encode: encoderOf(name) };
  return { name, value, slot: writable.has(name) && hasPlace ? slot : undefined };
}

function userSlots(text: string, { user, password }: UrlParts, form: 'url' | 'jdbc'): Slot[] {
  const slots: Slot[] = [];
  if (user !== undefined) {
    const value = decodePart(text, user, form);
    slots.push({ field: 'username', value, span: user, encode: encoderOf('username') });
  }
  if (password !== undefined) {
    const value = decodePart(text, password, form);
    slots.push({ field: 'password', value, span: password, encode: encoderOf('password') });
  } else if (user !== undefined) {
    const encode = (value: unknown): string => `:${encodeText(textOf('password', value))}`;
    const span = { start: user.end, end: user.end };
    slots.push({ field: 'password', value: undefined, span, encode });
  }
  return slots;
}

/** encodeURIComponent, and the quote besides, which ends a string in a shell or in code. */
function encodeText(value: string): string {
  return encodeURIComponent(value).replaceAll("'", '%27');
}

function encoderOf(field: string): (value: unknown) => string {
  return (value) => encodeText(textOf(field, value));
}

function urlFields(
  text: string,
  parts: UrlParts,
  form: 'url' | 'jdbc',
  slots: readonly Slot[],
  parameters: readonly Parameter[],
): ParsedText['fields'] {
  const { sslmode, ssl, tls, encrypt, trustServerCertificate, trustservercertificate, ...rest } =
    Object.fromEntries(parameters.map(({ name, value }) => [name, value]));
  const { scheme } = parts;
  const { host, port } = readHost(text, parts.hosts, form);
  const path = decodePart(text, parts.path, form) || undefined;
  // Go's driver has the instance in the path, and the database in the query: https://github.com/microsoft/go-mssqldb
  const stated =
    scheme === 'sqlserver' ? { host: withInstance(host, path), port } : { host, port, dbname: path };
  const several = text.slice(parts.hosts.start, parts.hosts.end).includes(',');
  const sslSwitch =
    readSslMode(sslmode ?? rest['ssl-mode']) ?? readSwitch(ssl ?? tls) ?? readEncrypt(encrypt);
  return definedFields({
    engine: engines.get(scheme) ?? scheme,
    ...definedFields(stated),
    ...rest,
    ...(several ? { hosts: text.slice(parts.hosts.start, parts.hosts.end) } : {}),
    username: effective(slots, 'username') || undefined,
    password: effective(slots, 'password'),
    ssl: sslSwitch ?? tlsOfScheme.get(scheme),
    encrypt: readStrict(encrypt),
    trustservercertificate: readSwitch(trustServerCertificate ?? trustservercertificate),
  });
}

/** A parameter wins over what stands before the host, as with libpq and pg. */
function effective(slots: readonly Slot[], field: string): unknown {
  return slots.findLast((slot) => slot.field === field && slot.value !== undefined)?.value;
}

function isCredential({ field }: Slot): boolean {
  return field === 'username' || field === 'password';
}

function append(parts: UrlParts, inQuery: boolean, missing: ReadonlyMap<string, unknown>): Edit[] {
  const encoded = new Map<string, string>();
  for (const [field, value] of missing) {
    if (field !== 'username' && field !== 'password')
      throw notHeld(field, 'has no place of its own in a URL');
    encoded.set(field, encodeText(textOf(field, value)));
  }
  const [user, password] = [encoded.get('username'), encoded.get('password')];
  if (!inQuery) {
    const { start } = parts.authority;
    const info = `${user ?? ''}${password === undefined ? '' : `:${password}`}@`;
    return [{ start, end: start, text: info }];
  }
  const named = [
    ['user', user],
    ['password', password],
  ].filter(([, value]) => value !== undefined);
  const { at, separator } = parts.queryEnd;
  return [{ start: at, end: at, text: separator + named.map((part) => part.join('=')).join('&') }];
}
