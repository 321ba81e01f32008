import { engineFamily, engineOfKnownScheme, engineOfScheme } from './engines.ts';
import {
  connectionText,
  type Edit,
  malformed,
  notHeld,
  type ParsedText,
  refused,
  type Slot,
} from './form.ts';
import { otherLogin } from './other-logins.ts';
import { withInstance } from './sql-server-keywords.ts';
import { definedFields, readEncrypt, readSslMode, readStrict, readSwitch } from './switches.ts';
import {
  decodePart,
  embeddedPart,
  encodeText,
  type QueryPart,
  readHost,
  scanUrl,
  schemeOf,
  type UrlParts,
} from './url-scanner.ts';

/** Schemes that say by themselves whether TLS is used. */
const tlsOfScheme: ReadonlyMap<string, boolean> = new Map([
  ['redis', false],
  ['rediss', true],
  ['valkey', false],
  ['valkeys', true],
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

/** The properties of JDBC drivers whose URLs are real URLs. Those drivers know no other names for these fields. */
const fieldOfProperty: ReadonlyMap<string, string> = new Map([
  ['user', 'username'],
  ['password', 'password'],
]);

const writable = new Set(['username', 'password', 'dbname']);

/**
 * All punctuation but RFC 3986's four unreserved characters. Every reader reads a password without it right. Some readers
 * forget to decode, or decode twice. Some take + for a space (URLSearchParams, pgjdbc), others don't (libpq).
 * pg-connection-string misreads encoded characters if the URL has a raw space elsewhere.
 *
 * @see https://www.rfc-editor.org/rfc/rfc3986#section-2.3
 * @see https://github.com/brianc/node-postgres/blob/master/packages/pg-connection-string/index.js
 */
const unsafeCharacters = '!"#$%&\'()*+,/:;<=>?@[\\]^`{|}';

/** Whether a text is a URL of a database. Within JSON and lines, other URLs are not read as connection strings. */
export function isDatabaseUrl(text: string): boolean {
  const scheme = schemeOf(text);
  return scheme !== undefined && engineOfKnownScheme(scheme) !== undefined;
}

/** Reads a URL, or what follows `jdbc:`. @throws MalformedSecret */
export function parseUrl(text: string, form: 'url' | 'jdbc' = 'url'): ParsedText {
  const parts = scanUrl(text, form);
  // Db2 writes properties after the database: `/database:user=...;password=...;`
  const path = text.slice(parts.path.start, parts.path.end);
  if (form === 'jdbc' && /:\w+=/.test(path.slice(0, Math.max(0, path.lastIndexOf(';')))))
    throw malformed(form, parts.path.start, 'properties follow the database in a way that is not known');
  const parameters = parts.query.map((part) => readParameter(text, part, form));
  const inQuery = parameters.flatMap(({ slot }) => slot ?? []);
  const inParameter = (field: string): boolean => inQuery.some((slot) => slot.field === field);
  // An empty user or password before the host does not count if a parameter holds it.
  const beforeHost = userSlots(text, parts, form).filter(({ field, value }) => value || !inParameter(field));
  const slots = [...beforeHost, ...inQuery];
  const fields = urlFields(text, parts, form, slots, parameters);
  const inner = parameters.filter(({ name }) => name.toLowerCase() === 'odbc_connect');
  return {
    form,
    fields,
    slots,
    append: (missing) => append(parts, form === 'jdbc' || inQuery.some(isCredential), missing),
    unsafeCharacters,
    others: parameters
      .filter(({ slot, name }) => slot === undefined && !inner.some((one) => one.name === name))
      .map(({ written, value }) => ({ path: written, value })),
    inner: inner.map(({ part, written }) => embeddedPart(text, part.value, form, written)),
    refusal:
      otherLogin([
        ...parameters.map(({ written, value }): [string, string] => [written, value]),
        // Redshift's driver for logins by IAM: jdbc:redshift:iam://
        ['scheme:iam', parts.scheme.endsWith(':iam') ? 'iam' : ''],
      ]) ??
      idleUser(text, parts, fields, form) ??
      plusSign(text, parameters, fields, form),
  };
}

/**
 * The refusal of a user before the host of a JDBC URL. pgjdbc and MariaDB's driver take it for a part of the host. Only
 * MySQL's driver reads it.
 *
 * @see https://jdbc.postgresql.org/documentation/use/#connecting-to-the-database
 */
function idleUser(
  text: string,
  { user, password, scheme }: UrlParts,
  { engine }: ParsedText['fields'],
  form: 'url' | 'jdbc',
): ParsedText['refusal'] {
  const isRead = form === 'url' || (engine === 'mysql' && /^jdbc:/.test(scheme));
  const isEmpty = user === undefined || (user.start === user.end && password === undefined);
  if (isRead || isEmpty || text.slice(user.start, user.end) === '') return undefined;
  return refused(
    'username',
    "The secret's JDBC URL has a user before its host, where this driver reads none.",
    'Write user and password as parameters: ?user=...&password=...',
  );
}

/**
 * The refusal of a plus sign in a parameter. libpq takes it as it stands. SQLAlchemy with psycopg, pg and others take it for
 * a space.
 *
 * @see https://github.com/postgres/postgres/blob/master/src/interfaces/libpq/fe-connect.c (conninfo_uri_decode)
 * @see https://url.spec.whatwg.org/#urlencoded-parsing
 */
function plusSign(
  text: string,
  parameters: readonly Parameter[],
  { engine }: ParsedText['fields'],
  form: 'url' | 'jdbc',
): ParsedText['refusal'] {
  const disputed = parameters.find(
    ({ part, slot }) => slot !== undefined && text.slice(part.value.start, part.value.end).includes('+'),
  );
  if (disputed === undefined || form === 'jdbc' || engineFamily(engine) !== 'postgres') return undefined;
  return refused(
    disputed.name,
    `The secret's "${disputed.written}" has a plus sign, which readers of a URL's parameters take for itself or for a space.`,
    'Write it as %2B, or as %20 where a space is meant.',
  );
}

interface Parameter {
  readonly part: QueryPart;
  readonly written: string;
  /** The field that it means. If it means none, its name as written. */
  readonly name: string;
  readonly value: string;
  readonly slot: Slot | undefined;
}

function readParameter(text: string, part: QueryPart, form: 'url' | 'jdbc'): Parameter {
  const written = decodePart(text, part.name, form, true);
  const known = form === 'jdbc' ? fieldOfProperty.get(written) : fieldOfParameter.get(written.toLowerCase());
  const name = known ?? written;
  const value = decodePart(text, part.value, form, true);
  // A name without an equals sign has no place for a value, and is left as it is.
  const hasPlace = part.value.start > part.name.end;
  const slot = { field: name, value, span: part.value, encode: encoderOf(name) };
  return {
    part,
    written,
    name,
    value,
    slot: known !== undefined && writable.has(name) && hasPlace ? slot : undefined,
  };
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
    const encode = (value: unknown): string => `:${encodeText(connectionText('password', value))}`;
    const span = { start: user.end, end: user.end };
    slots.push({ field: 'password', value: undefined, span, encode });
  }
  return slots;
}

function encoderOf(field: string): (value: unknown) => string {
  return (value) => encodeText(connectionText(field, value));
}

function urlFields(
  text: string,
  parts: UrlParts,
  form: 'url' | 'jdbc',
  slots: readonly Slot[],
  parameters: readonly Parameter[],
): ParsedText['fields'] {
  const named = new Map(parameters.map(({ name, value }) => [name.toLowerCase(), value]));
  const rest = Object.fromEntries(
    parameters
      .filter(({ name }) => !switches.has(name.toLowerCase()))
      .map(({ name, value }) => [name, value]),
  );
  const { scheme } = parts;
  const engine = engineOfScheme(scheme);
  // For several hosts, SQLAlchemy repeats the parameter: ?host=one:5432&host=two:5432
  for (const name of engineFamily(engine) === 'postgres' ? ['host', 'port'] : []) {
    const several = parameters.filter((parameter) => parameter.name === name).map(({ value }) => value);
    if (several.length > 1) rest[name] = [...new Set(several)].join(',');
  }
  const { host, port } = readHost(text, parts.hosts, form);
  const path = decodePart(text, parts.path, form) || undefined;
  // Go's driver has the instance in the path, and the database in the query: https://github.com/microsoft/go-mssqldb
  const isGo = scheme === 'sqlserver';
  // Without a driver and a database, SQLAlchemy takes the host for a DSN, which only the application's machine knows.
  const isDsn = scheme.endsWith('+pyodbc') && !named.has('driver') && path === undefined;
  const stated = isGo
    ? { host: withInstance(host, path), port }
    : { host: isDsn ? undefined : host, port, dbname: path };
  const several = text.slice(parts.hosts.start, parts.hosts.end).includes(',');
  const encrypt = named.get('encrypt') ?? named.get('encryption');
  const sslSwitch =
    readSslMode(named.get('sslmode') ?? named.get('ssl-mode') ?? named.get('ssl_mode')) ??
    readSslMode(named.get('ssl') ?? named.get('tls')) ??
    readSwitch(named.get('ssl') ?? named.get('tls')) ??
    readEncrypt(encrypt);
  return definedFields({
    engine,
    ...definedFields(stated),
    ...rest,
    ...(several ? { hosts: text.slice(parts.hosts.start, parts.hosts.end) } : {}),
    username: effective(slots, 'username') || undefined,
    password: effective(slots, 'password'),
    ssl: sslSwitch ?? tlsOfScheme.get(scheme) ?? (scheme.startsWith('r2dbcs:') ? true : undefined),
    encrypt: readStrict(encrypt),
    trustservercertificate: readSwitch(named.get('trustservercertificate')),
  });
}

/** Parameters that become the fields `ssl`, `encrypt` and `trustservercertificate`, and no fields of their own. */
const switches = new Set(['sslmode', 'ssl', 'tls', 'encrypt', 'encryption', 'trustservercertificate']);

/** The value that counts: a parameter wins over what is before the host, as with libpq and pg. */
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
    encoded.set(field, encodeText(connectionText(field, value)));
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
