import { inspect } from 'node:util';

/** Encodes a value as a text from which it can be read. */
export type Encoding = (value: string) => string;

const hex = (code: number, digits: number): string => code.toString(16).padStart(digits, '0');

/** Each character that a pattern finds, as an escape of its code unit. */
const escaping =
  (pattern: RegExp, escaped: (code: number) => string): Encoding =>
  (value) =>
    value.replace(pattern, (character) => [...character].map((one) => escaped(one.charCodeAt(0))).join(''));

const bytesOf = (value: string): Buffer => Buffer.from(value);
const wideBytesOf = (value: string): Buffer => Buffer.from(value, 'utf16le');
const wrapped = (text: string, columns: number): string =>
  text.replace(new RegExp(`.{${columns}}(?=.)`, 'g'), '$&\n');
const json = (value: unknown): string => JSON.stringify(value);
const wellFormed = (value: string): string => value.toWellFormed();
const urlComponent: Encoding = (value) => encodeURIComponent(wellFormed(value));

/** The value as a component of a URL, encoded by the URL class. */
const inUrl =
  (put: (url: URL, value: string) => void): Encoding =>
  (value) => {
    const url = new URL('https://user@host.example/');
    put(url, value);
    return url.href;
  };

/** The forms in which servers, drivers, shells, loggers and Node.js print a value. */
export const encodings: Readonly<Record<string, Encoding>> = {
  plain: (value) => value,
  'in the middle of words': (value) => `before${value}after`,

  encodeURIComponent: urlComponent,
  encodeURI: (value) => encodeURI(wellFormed(value)),
  'URLSearchParams, as a form sends it': (value) =>
    new URLSearchParams({ grant_type: 'client_credentials', client_secret: value, scope: 'a b' }).toString(),
  'percent escapes in small letters': (value) =>
    urlComponent(value).replace(/%../g, (escaped) => escaped.toLowerCase()),
  'percent escapes of everything': (value) =>
    [...bytesOf(value)].map((byte) => `%${hex(byte, 2).toUpperCase()}`).join(''),
  'percent escapes with spaces as +': (value) => urlComponent(value).replaceAll('%20', '+'),
  'strict percent escapes': (value) =>
    escaping(/[!'()*~]/g, (code) => `%${hex(code, 2)}`)(urlComponent(value)),
  "JavaScript's escape()": escaping(/[^\w@*+./-]/g, (code) =>
    code < 256 ? `%${hex(code, 2)}` : `%u${hex(code, 4)}`,
  ),
  'userinfo of a URL': inUrl((url, value) => {
    url.password = value;
  }),
  'user of a URL': inUrl((url, value) => {
    url.username = value;
  }),
  'path of a URL': inUrl((url, value) => {
    url.pathname = `/tokens/${value.replaceAll(/[/\\.?#]/g, urlComponent)}`;
  }),
  'query of a URL': inUrl((url, value) => {
    url.search = `?token=${value.replaceAll(/[&#+]/g, urlComponent)}`;
  }),
  'fragment of a URL': inUrl((url, value) => {
    url.hash = value;
  }),
  'URL in a URL': (value) => urlComponent(`postgres://user:${urlComponent(value)}@host/db`),

  JSON: json,
  'JSON, ASCII only': (value) => escaping(/[^\0-\x7e]/g, (code) => `\\u${hex(code, 4)}`)(json(value)),
  'JSON, ASCII only, capitals': (value) =>
    escaping(/[^\0-\x7e]/g, (code) => `\\u${hex(code, 4).toUpperCase()}`)(json(value)),
  'JSON of .NET': (value) =>
    json(value)
      .replaceAll('\\"', '\\u0022')
      .replaceAll(/[<>&'+`]/g, (character) => `\\u${hex(character.charCodeAt(0), 4).toUpperCase()}`),
  'JSON of Go': (value) =>
    json(value).replaceAll(/[<>&]/g, (character) => `\\u${hex(character.charCodeAt(0), 4)}`),
  'JSON of PHP': (value) => json(value).replaceAll('/', '\\/'),
  'JSON escapes of everything': escaping(/[\s\S]/g, (code) => `\\u${hex(code, 4)}`),
  'JSON in JSON': (value) => json({ body: json({ password: value }) }),
  'JSON in JSON in JSON': (value) => json({ log: json({ body: json({ password: value }) }) }),
  'JSON in a URL': (value) => urlComponent(json({ password: value })),
  'URL in JSON': (value) => json({ url: `https://host/?token=${urlComponent(value)}` }),
  'form in JSON': (value) => json({ body: new URLSearchParams({ client_secret: value }).toString() }),

  "SQL's literal": (value) => `ALTER ROLE app PASSWORD '${value.replaceAll("'", "''")}'`,
  "SQL's literal with escapes": (value) =>
    `PASSWORD E'${value.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`,
  "MySQL's literal": (value) => `IDENTIFIED BY '${value.replaceAll(/['"\\]/g, '\\$&')}'`,
  "SQL Server's literal": (value) => `PASSWORD = N'${value.replaceAll("'", "''")}'`,
  "SQL Server's name": (value) => `[${value.replaceAll(']', ']]')}]`,
  "SQL's name": (value) => `role "${value.replaceAll('"', '""')}" does not exist`,
  "MySQL's name": (value) => `\`${value.replaceAll('`', '``')}\``,
  'ADO.NET': (value) => `Server=h;Password="${value.replaceAll('"', '""')}";`,
  'ADO.NET, the other quotes': (value) => `Server=h;Password='${value.replaceAll("'", "''")}';`,
  ODBC: (value) => `SERVER=h;PWD={${value.replaceAll('}', '}}')};`,
  libpq: (value) => `host=h password='${value.replaceAll(/['\\]/g, '\\$&')}'`,
  'LDAP filter': escaping(/[*()\\\0]/g, (code) => `\\${hex(code, 2)}`),
  'LDAP, all of it': (value) => [...bytesOf(value)].map((byte) => `\\${hex(byte, 2)}`).join(''),

  XML: (value) =>
    value
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
      .replaceAll('"', '&quot;')
      .replaceAll("'", '&apos;'),
  HTML: (value) =>
    value.replaceAll(/[&<>"'`=/]/g, (character) => `&#x${hex(character.charCodeAt(0), 2).toUpperCase()};`),
  'HTML, decimal': escaping(/[^A-Za-z0-9]/g, (code) => `&#${code};`),
  'HTML, everything': escaping(/[\s\S]/g, (code) => `&#x${hex(code, 4)};`),
  'HTML in HTML': (value) => value.replaceAll('&', '&amp;amp;').replaceAll('<', '&amp;lt;'),

  'shell, single quotes': (value) => `'${value.replaceAll("'", "'\\''")}'`,
  'shell, both quotes': (value) => `'${value.replaceAll("'", `'"'"'`)}'`,
  'shell, double quotes': (value) => `"${value.replaceAll(/["$`\\]/g, '\\$&')}"`,
  'shell, backslashes': (value) => value.replaceAll(/[^A-Za-z0-9_\n]/g, '\\$&'),
  "shell, $'...'": (value) =>
    `$'${escaping(/[^A-Za-z0-9]/g, (code) => `\\x${hex(code & 0xff, 2)}`)(bytesOf(value).toString('latin1'))}'`,
  'shell, octal': (value) =>
    escaping(
      /[^A-Za-z0-9]/g,
      (code) => `\\${code.toString(8).padStart(3, '0')}`,
    )(bytesOf(value).toString('latin1')),
  'printf and ini': (value) => value.replaceAll('%', '%%'),
  'docker compose': (value) => value.replaceAll('$', '$$$$'),

  "Node.js's inspect": (value) => inspect({ password: value }),
  "Node.js's inspect, narrow": (value) => inspect({ deep: { password: value } }, { breakLength: 10 }),
  'inspect of an array': (value) => inspect(['user', value, { value }], { compact: false }),
  'inspect of a Buffer': (value) => inspect(bytesOf(value)),
  'inspect of a Uint8Array': (value) => inspect(new Uint8Array(bytesOf(value))),
  'inspect of a UTF-16 Buffer': (value) => inspect(wideBytesOf(value)),
  'JSON of a Buffer': (value) => json(bytesOf(value)),
  'JSON of a Uint8Array': (value) => json(new Uint8Array(bytesOf(value))),
  'JSON of a Buffer, indented': (value) => JSON.stringify(bytesOf(value), null, 2),
  'bytes of Go': (value) => `[${[...bytesOf(value)].join(' ')}]`,
  'bytes of Java': (value) => `[${[...new Int8Array(bytesOf(value))].join(', ')}]`,
  'a binary of Erlang': (value) => `<<${[...bytesOf(value)].join(',')}>>`,

  hex: (value) => bytesOf(value).toString('hex'),
  'hex, capitals': (value) => bytesOf(value).toString('hex').toUpperCase(),
  'hex with 0x': (value) => `0x${bytesOf(value).toString('hex')}`,
  'hex, bytea': (value) => `'\\x${bytesOf(value).toString('hex')}'::bytea`,
  'hex, after a digit': (value) => `code 7${bytesOf(value).toString('hex')}`,
  'hex with colons': (value) =>
    bytesOf(value)
      .toString('hex')
      .replaceAll(/..(?=.)/g, '$&:'),
  'hex of .NET': (value) =>
    bytesOf(value)
      .toString('hex')
      .toUpperCase()
      .replaceAll(/..(?=.)/g, '$&-'),
  'hex with spaces': (value) =>
    bytesOf(value)
      .toString('hex')
      .replaceAll(/..(?=.)/g, '$& '),
  'hex, a list': (value) => [...bytesOf(value)].map((byte) => `0x${hex(byte, 2)}`).join(', '),
  'hex of UTF-16': (value) => wideBytesOf(value).toString('hex'),

  base64: (value) => bytesOf(value).toString('base64'),
  'base64 without padding': (value) => bytesOf(value).toString('base64').replaceAll('=', ''),
  base64url: (value) => bytesOf(value).toString('base64url'),
  'base64 of UTF-16': (value) => wideBytesOf(value).toString('base64'),
  'base64 of UTF-16, big-endian': (value) => wideBytesOf(value).swap16().toString('base64'),
  'base64 in JSON of PHP': (value) => json(bytesOf(value).toString('base64')).replaceAll('/', '\\/'),
  'base64 in a URL': (value) => urlComponent(bytesOf(value).toString('base64')),
  'base64 of base64': (value) => Buffer.from(bytesOf(value).toString('base64')).toString('base64'),
  'base64, wrapped': (value) =>
    wrapped(Buffer.from(`${'x'.repeat(50)}${value}${'y'.repeat(50)}`).toString('base64'), 76),
  'base64, wrapped in JSON': (value) =>
    json(wrapped(Buffer.from(`${'x'.repeat(50)}${value}`).toString('base64'), 76)),
  'Basic authentication, 1': (value) => `Basic ${Buffer.from(`u:${value}`).toString('base64')}`,
  'Basic authentication, 2': (value) => `Basic ${Buffer.from(`us:${value}`).toString('base64')}`,
  'Basic authentication, 3': (value) => `Basic ${Buffer.from(`use:${value}`).toString('base64url')}`,
  "Basic authentication, OAuth's": (value) =>
    `Basic ${Buffer.from(`client:${new URLSearchParams({ '': value }).toString().slice(1)}`).toString('base64')}`,
  'a token of JSON': (value) =>
    `eyJhbGciOiJub25lIn0.${Buffer.from(json({ secret: value })).toString('base64url')}.`,

  'UTF-8 read as Latin-1': (value) => bytesOf(value).toString('latin1'),
  'UTF-16 read as Latin-1': (value) => wideBytesOf(value).toString('latin1'),
  'bytes of Python': (value) =>
    `b'${escaping(/[^\x20-\x5b\x5d-\x7e]/g, (code) => `\\x${hex(code, 2)}`)(bytesOf(value).toString('latin1'))}'`,
  NFC: (value) => value.normalize('NFC'),
  NFD: (value) => value.normalize('NFD'),
  NFKC: (value) => value.normalize('NFKC'),
  capitals: (value) => value.toUpperCase(),
  'small letters': (value) => value.toLowerCase(),
  trimmed: (value) => value.trim(),
  'wrapped lines': (value) => wrapped(value, 10),
};

/** Forms in which a part of a value is printed. */
export const truncations: Readonly<Record<string, Encoding>> = {
  'the first half': (value) => `syntax error at or near "${value.slice(0, Math.ceil(value.length / 2))}`,
  'the last half': (value) => `...${value.slice(Math.floor(value.length / 2))}' at line 1`,
  'all but the first character': (value) => value.slice(1),
  'all but the last character': (value) => value.slice(0, -1),
  'a part of the middle': (value) =>
    `near '${value.slice(value.length / 4, value.length - value.length / 4)}'`,
  'the first half in a form': (value) =>
    urlComponent(value.slice(0, Math.ceil(value.length / 2)).toWellFormed()).slice(0, -1),
  'base64 without its start': (value) => Buffer.from(`user:${value}`).toString('base64').slice(3),
  'base64 without its end': (value) => Buffer.from(`user:${value}`).toString('base64').slice(0, -5),
  'a Buffer, cut off': (value) => inspect(bytesOf(value.repeat(2))),
};

const squeezed = (text: string): string =>
  text
    .toLowerCase()
    .replaceAll(/[\s\0'"`\\+]/g, '')
    .replaceAll(/([^\p{L}\p{N}])\1+/gu, '$1');

/** Everything that a text decodes to. The decoders are not Keyturn's own, and decode each other's results too. */
export function readings(text: string, layers = 4): Set<string> {
  const all = new Set([text]);
  let last = [text];
  for (let layer = 0; layer < layers; layer += 1) {
    last = last
      .flatMap((known) => decoders.flatMap((decode) => decode(known)))
      .filter((one) => !all.has(one));
    for (const one of last) all.add(one);
  }
  return all;
}

const asText = (bytes: Buffer): string[] =>
  bytes.length < 4 ? [] : [bytes.toString('utf8'), bytes.toString('latin1'), bytes.toString('utf16le')];

const decoders: readonly ((text: string) => string[])[] = [
  (text) => [text.replaceAll('+', ' ').replaceAll(/(?:%[0-9a-f]{2})+/gi, decodePercent)],
  (text) => [
    text.replaceAll(/%u([0-9a-f]{4})/gi, (_, digits) => String.fromCharCode(Number.parseInt(digits, 16))),
  ],
  (text) => [
    text.replaceAll(
      /\\u([0-9a-f]{4})|\\x([0-9a-f]{2})|\\([0-7]{3})|\\(.)/gi,
      (_, wide, byte, octal, other) => {
        if (wide ?? byte) return String.fromCharCode(Number.parseInt(wide ?? byte, 16));
        return octal ? String.fromCharCode(Number.parseInt(octal, 8)) : other.replace('n', '\n');
      },
    ),
  ],
  (text) => [
    text.replaceAll(/\\([0-9a-f]{2})/gi, (_, digits) => String.fromCharCode(Number.parseInt(digits, 16))),
  ],
  (text) => [
    text
      .replaceAll(/&#(?:x([0-9a-f]+)|(\d+));/gi, (_, digits, decimal) =>
        String.fromCodePoint(digits ? Number.parseInt(digits, 16) : Number(decimal)),
      )
      .replaceAll('&lt;', '<')
      .replaceAll('&gt;', '>')
      .replaceAll('&quot;', '"')
      .replaceAll('&apos;', "'")
      .replaceAll('&amp;', '&'),
  ],
  (text) =>
    (text.replaceAll(/\s*\n\s*/g, '').match(/[A-Za-z0-9+/_-]{8,}/g) ?? []).flatMap((run) =>
      [0, 1, 2, 3].flatMap((offset) => asText(Buffer.from(run.slice(offset), 'base64'))),
    ),
  (text) =>
    (text.replaceAll(/0x|[\s,:-]/gi, '').match(/[0-9a-f]{12,}/gi) ?? []).flatMap((run) =>
      [0, 1].flatMap((offset) => asText(Buffer.from(run.slice(offset), 'hex'))),
    ),
  (text) => {
    const numbers = text.replaceAll(/"\d+":/g, '').match(/-?\d+/g) ?? [];
    return numbers.length < 6 ? [] : asText(Buffer.from(numbers.map(Number)));
  },
];

function decodePercent(escapes: string): string {
  try {
    return decodeURIComponent(escapes);
  } catch {
    return Buffer.from(escapes.replaceAll('%', ''), 'hex').toString('latin1');
  }
}

/**
 * Whether a value, or a given number of its characters in a row, can be read in a text. White space, quotes, repeated
 * punctuation and case are ignored, since a reader could guess them.
 */
export function isReadable(text: string, value: string, most = value.length): boolean {
  const wanted = squeezed(value.normalize('NFKC'));
  const length = Math.min(most, wanted.length);
  const parts = Array.from({ length: wanted.length - length + 1 }, (_, at) => wanted.slice(at, at + length));
  return [...readings(text)].some((reading) => {
    const seen = squeezed(reading.normalize('NFKC'));
    return parts.some((part) => seen.includes(part));
  });
}
