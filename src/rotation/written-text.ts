import { startsAsJson } from '../documents/leaves.ts';
import { hasSections, isKeyValueLines } from '../documents/lines-scanner.ts';
import { connectionStringForm } from '../documents/recognise.ts';
import { isDatabaseUrl } from '../documents/url.ts';
import { type Code, decodings, fileIn, plainText, unwrapped } from './decodings.ts';

/*
 * A text that somebody has written, such as a connection string or a file of settings, as opposed to a password, a token or
 * a random value. Each kind is told by its grammar: where the separators stand, and what stands between them. A random value
 * has the same characters, but not in that order. All of it takes time in proportion to the text.
 */

/** A kind of text that somebody has written. */
interface Kind {
  /** How an error names it. */
  readonly name: string;
  /** In which shape a server issues tokens that look like this. */
  readonly issued: 'never' | 'encoded' | 'as it is';
  fits(text: string, found: Found): boolean;
}

/** Where a text was found: the whole value, or what it holds in this code. */
type Found = 'whole' | Code;

const kinds: readonly Kind[] = [
  { name: 'KEY=value lines', issued: 'never', fits: (text) => isKeyValueLines(text) || hasSections(text) },
  { name: 'a connection string', issued: 'never', fits: isConnectionString },
  { name: 'KEY=value lines', issued: 'never', fits: isSetting },
  { name: 'a URL', issued: 'encoded', fits: isUrl },
  { name: 'JSON', issued: 'encoded', fits: isJson },
  { name: 'a text of several lines', issued: 'encoded', fits: hasSeveralLines },
  { name: 'a key or a certificate', issued: 'as it is', fits: isKey },
  { name: 'XML', issued: 'as it is', fits: isXml },
  {
    name: 'a line of .netrc',
    issued: 'as it is',
    fits: matches(/^\s*(?:machine\s+\S+|default)\s+(?:login|password)\s+\S/),
  },
  { name: 'a line of htpasswd', issued: 'as it is', fits: (text) => htpasswd.test(text) },
  { name: 'an HTTP header', issued: 'as it is', fits: isHttpHeader },
  { name: 'a signed query', issued: 'as it is', fits: isQuery },
  { name: 'a command', issued: 'as it is', fits: isCommand },
  { name: 'a distinguished name', issued: 'as it is', fits: isDistinguishedName },
  { name: 'an ARN', issued: 'as it is', fits: matches(/^\s*arn:aws[\w-]*:[\w-]+:/) },
  { name: 'settings of a program', issued: 'as it is', fits: hasSetting },
  {
    name: 'a URL',
    issued: 'as it is',
    fits: matches(/(?:^|[\s"'=(<,;])(?!base64:)[a-z][a-z0-9+.-]{2,30}:\/\/[\w[]/),
  },
];

function matches(form: RegExp): (text: string) => boolean {
  return (text) => form.test(text);
}

/**
 * Names the kind of a text that somebody has written. Undefined if it may be a password, a token or a random value.
 *
 * @param by who made the value that belongs there: `server` for a token that its server may have issued, `chance` for a
 * random value. A server issues JSON Web Tokens, for instance, and chance does not make them
 */
export function kindOfWritten(text: string, by: 'server' | 'chance'): string | undefined {
  return search(text, by, 'whole', { depth: 0, isInBytes: false });
}

/** How many codes within one another are decoded: a connection string in quotes in Base64, for instance. */
const mostCodes = 3;

function search(
  text: string,
  by: 'server' | 'chance',
  found: Found,
  { depth, isInBytes }: { readonly depth: number; readonly isInBytes: boolean },
): string | undefined {
  const plain = plainText(text);
  const counts = ({ issued }: Kind): boolean =>
    by === 'chance' || issued === 'never' || (issued === 'encoded' && !isInBytes);
  const own = kinds.find((kind) => counts(kind) && kind.fits(plain, found))?.name;
  if (own !== undefined) return own;
  if (by === 'chance') {
    const file = fileIn(plain);
    if (file !== undefined) return file;
  }
  if (depth === mostCodes) return undefined;
  for (const { inner, code } of decodings(plain)) {
    const within = { depth: depth + 1, isInBytes: isInBytes || code === 'bytes' };
    const kind = search(inner, by, code, within);
    if (kind !== undefined) return kind.endsWith(encoded) ? kind : `${kind}${encoded}`;
  }
  return undefined;
}

const encoded = ', in quotes or encoded';

/** Words at whose end a setting's name shows that its value is a credential, or where it is used. */
const words =
  'user|username|userid|login|password|passwd|passphrase|pass|pwd|secret|token|apikey|api_key|api-key|accesskey|access_key|' +
  'secretkey|secret_key|privatekey|private_key|host|hostname|server|database|dsn|endpoint|connectionstring|connection_string';
const lastWord = [
  ...words.split('|'),
  ...words.split('|').map((word) => word.charAt(0).toUpperCase() + word.slice(1)),
  ...words.split('|').map((word) => word.toUpperCase()),
  ...[
    'ApiKey',
    'AccessKey',
    'SecretKey',
    'PrivateKey',
    'UserName',
    'UserId',
    'HostName',
    'PassPhrase',
    'ConnectionString',
  ],
].join('|');

/** A word that begins the text, follows something that is no letter, or begins with a capital letter after a small one. */
const wordOfName = `(?:(?<![A-Za-z])|(?<=[a-z\\d])(?=[A-Z]))(?:${lastWord})`;

/** A setting anywhere: `password=...`, `"password": ...`, `password: ...`, `:password=>...` */
const setting = new RegExp(`${wordOfName}(?:["']?\\s*=|["']\\s*:|:\\s+\\S)`);
const settingOfPhp = new RegExp(`s:\\d+:"[\\w.-]*?(?:${lastWord})";s:\\d+:"`);
const settingWithSpaces =
  /^\s*(?:#[^\n]*\n\s*)*(?:(?:let|var|const|export|declare|ENV|set|setx|-x)\s+)*\$?[A-Za-z_][\w.-]*\s+:?=>?\s+\S/;
const callOfPhp = /^\s*define\s*\(\s*["']/;

function hasSetting(text: string): boolean {
  return (
    setting.test(text) || settingWithSpaces.test(text) || settingOfPhp.test(text) || callOfPhp.test(text)
  );
}

const nameOfCredential = new RegExp(`(?:${wordOfName}|(?:^|[._:-])[Kk]ey)$`);
/** A name whose words nothing separates: PGPASSWORD, dbpass. */
const joinedName =
  /(?:^|[._:-])(?:[a-z]*(?:pass|passwd|password|pwd|secret|token|apikey)|[A-Z]*(?:PASS|PASSWD|PASSWORD|PWD|SECRET|TOKEN|APIKEY))$/;

const before = /^(?:\s*#[^\n]*\n)*\s*/;

/** Whether it is a single setting whose name says that it holds a credential. */
function isSetting(text: string): boolean {
  const [start = ''] = before.exec(text) ?? [];
  const [whole, prefix, name = ''] =
    /^(export\s+|set\s+|\$env:|-e\s+)?((?:\/\/[\w.:-]+\/\S{0,200}?:)?[A-Za-z_][\w.:-]*)[ \t]*=[ \t]*(?=\S)/i.exec(
      text.slice(start.length),
    ) ?? [];
  if (whole === undefined)
    return /^\s*[\w.]+LoginModule\s+(?:required|sufficient|requisite|optional)\b/.test(text);
  const value = text.slice(start.length + whole.length);
  if (prefix !== undefined) return true;
  // Only equals signs after the first one are the end of Base64.
  if (joinedName.test(name) || nameOfCredential.test(name)) return !/^=+\s*$/.test(value);
  return /^["']?(?:jdbc:|[a-z][a-z0-9+.-]*:\/\/)/i.test(value);
}

function isConnectionString(text: string): boolean {
  const form = connectionStringForm(text);
  if (form !== undefined && (form !== 'url' || isDatabaseUrl(text))) return true;
  return (
    // A URL with a password, also within a command or a sentence
    /:\/\/[^\s/@:]*:[^\s/@]+@[\w[]/.test(text) ||
    /^\s*sips?:[^\s:@]+:[^\s@]+@/i.test(text) ||
    /\(\s*DESCRIPTION(?:_LIST)?\s*=/i.test(text) ||
    isPairs(text) ||
    isLogin(text.trim().replace(/^(?:sqlplus|connect|conn)\s+/i, '')) ||
    isAddress(text.trim()) ||
    isPgpass(text.trim())
  );
}

/** Names of Azure's settings that stand alone, and mean more than the value does. */
const azuresOwn = /^\s*(?:UseDevelopmentStorage|InstrumentationKey)\s*=/i;

/**
 * Whether it is pairs with semicolons between them, and names that are words, such as `AccountName=shop;AccountKey=...`. Not a
 * single value may be without a name.
 */
function isPairs(text: string): boolean {
  if (azuresOwn.test(text)) return true;
  const parts = text.split(';').filter((part) => part.trim() !== '');
  if (parts.length < 2 && !/;\s*$/.test(text)) return false;
  const names = parts.map((part) => /^\s*([A-Za-z][A-Za-z0-9 _.:-]*?)\s*=/.exec(part.slice(0, 200))?.[1]);
  return (
    names.every((name) => name !== undefined && name.length > 1) &&
    names.some((name) => name !== undefined && /[A-Za-z]{6}/.test(name)) &&
    names.some((name) => name !== undefined && pairOfLogin.test(name))
  );
}

const pairOfLogin = /key|secret|account|endpoint|host|server|signature|user|pass|pwd|token|appid|storage/i;

const hostWithDots = String.raw`(?:[A-Za-z0-9_](?:[\w-]*[A-Za-z0-9])?\.)+[A-Za-z][\w-]*|\d{1,3}(?:\.\d{1,3}){3}|\[[\da-fA-F:.]+\]|localhost`;
const host = String.raw`(?:${hostWithDots}|[A-Za-z][\w-]*)`;

/** What follows the last at sign: a host with a port or a path, a host with dots, or Go's `tcp(...)`. */
const place = new RegExp(
  String.raw`^(?:\w+\(\S+\)\/|(?:${hostWithDots})(?:[:/,?]|$)|${host}:\d{2,5}(?:[/?,]|$)|(?:[\w.-]*)(?::\d+)?\/[A-Za-z][\w-]*(?:[/?]|$))`,
);

/** What follows the last at sign of Oracle's: a host and a service, or a name of tnsnames.ora. */
const placeOfOracle = new RegExp(
  String.raw`^(?:(?:(?:tcps?:)?\/\/)${host}|(?:${hostWithDots})(?:[:/?]|$)|${host}:\d{2,5}(?:[/?]|$)|[A-Za-z][\w-]+\/[A-Za-z][\w.-]+(?:[:/?]|$)|(?:[A-Z][A-Z0-9_]{2,29}|[a-z][a-z0-9_]{2,29})$)`,
);

/** Whether it is a login at a place, without a scheme: `user:password@host:port`, `user/password@service`. */
function isLogin(text: string): boolean {
  const at = text.lastIndexOf('@');
  if (at < 0) return false;
  const [login, after] = [
    text.slice(0, at),
    text.slice(at + 1).replace(/ as sys(?:dba|oper|backup|dg|km|rac|asm)$/i, ''),
  ];
  if (/\s/.test(after)) return false;
  const [, separator] = /^(?:[A-Za-z][\w$#.-]+(?:\[\w+\])?)?([:/])/.exec(login) ?? [];
  if (separator === ':') return /^[^:]+:[^\s]+$/.test(login) && place.test(after);
  if (separator !== '/') return false;
  const isWallet = login === '/';
  return (isWallet || /^[^/]+\/(?:"[^"]*"|[^\s]+)$/.test(login)) && placeOfOracle.test(after);
}

/** The ports of databases, caches, queues, mail, directories, proxies and the web. */
const wellKnownPorts = new Set(
  (
    '21 22 25 80 110 143 389 443 465 587 636 993 995 1433 1434 1521 1522 1526 1527 1883 2181 2379 2484 2525 2638 3000 3128 ' +
    '3050 3268 3269 3306 3307 33060 4000 4222 4369 5000 5432 5433 5439 5601 5671 5672 5984 6033 6379 6380 6381 6432 6650 7000 ' +
    '7474 7473 7687 8000 8080 8086 8089 8123 8200 8443 8529 8563 8883 9000 9042 9090 9092 9093 9094 9096 9098 9160 9200 9243 ' +
    '9300 9440 10000 11211 15672 16379 19530 26257 26379 27017 27018 27019 28015 30013 30015 50000 50001 60000 61613 61616'
  ).split(' '),
);

const hostAndPort = new RegExp(
  String.raw`^(?:[\w.-]+@)?(${hostWithDots}|[a-z][a-z0-9-]*):(\d{2,5})($|[/?:]\S*$)`,
);

/** SQL Server's own way to write an address: `tcp:host\instance,port`. */
const addressOfSqlServer = new RegExp(
  String.raw`^(?:tcp:(?:${host})(?:\\\w+)?(?:,\s*\d{2,5})?|(?:${hostWithDots})(?:\\\w+)?,\s*\d{2,5})$`,
  'i',
);

/**
 * Whether it is a list of addresses with ports. `john.doe:1984` is none: with fewer than two dots, the port must be one that
 * servers listen at.
 */
function isAddress(text: string): boolean {
  if (addressOfSqlServer.test(text)) return true;
  const parts = text.split(',').map((part) => part.trim());
  return parts.every((part) => {
    const [whole, name = '', port = '', rest = ''] = hostAndPort.exec(part) ?? [];
    if (whole === undefined) return false;
    // Hexadecimals with colons between them are none.
    if (!/[.[]|^localhost$/.test(name) && (port.length < 3 || rest.startsWith(':'))) return false;
    const isSure = /\..*\.|\[/.test(name) || name === 'localhost' || parts.length > 1;
    return isSure || wellKnownPorts.has(port);
  });
}

/** Whether it is a line of .pgpass. @see https://www.postgresql.org/docs/current/libpq-pgpass.html */
function isPgpass(text: string): boolean {
  const [, port = '', password = ''] =
    /^(?:\*|[\w.-]+):(\d{2,5}|\*):(?:\*|[\w.-]+):(?:\*|[\w.-]+):(\S+)$/.exec(text) ?? [];
  // Hexadecimals with colons between them have more fields and no port.
  return password !== '' && (port.length !== 2 || !/(?<!\\):/.test(password));
}

/** Whether it is JSON, or nearly: in other quotes, with comments, or cut off. A password may begin and end with brackets. */
function isJson(text: string): boolean {
  if (!startsAsJson.test(text)) return false;
  if (/^\s*\{\s*(?:\\?["'][^"'\\]+\\?["']\s*:|[A-Za-z_]\w*:\s)/.test(text)) return true;
  if (/^\s*\{\s*[A-Za-z_]\w*:\s*["']/.test(text) && text.trimEnd().endsWith('}')) return true;
  if (/^\s*(?:\/\/|\/\*)/.test(text)) return /[\]}]$/.test(text.trimEnd());
  try {
    return typeof JSON.parse(text) === 'object';
  } catch {
    return false;
  }
}

/**
 * Whether it has several lines. Base64 and hexadecimals that a program has cut into lines are one value. A password can have
 * a backslash before an n, which is no end of a line.
 */
function hasSeveralLines(text: string, found: Found): boolean {
  return found !== 'escapes' && /[^\r\n][\r\n]+[^\r\n]/.test(text) && unwrapped(text) === undefined;
}

/** @see https://httpd.apache.org/docs/current/misc/password_encryptions.html, https://manpages.debian.org/crypt.5 */
const htpasswd =
  /^\s*[\w.@-]+:(?:\$(?:apr1|2[abxy]|[156]|7|y|gy|argon2i?d?|scrypt|pbkdf2[\w-]*)\$\S|\{(?:S?SHA\d*|S?MD5|CRYPT|BCRYPT|SCRYPT|PBKDF2\w*|ARGON2\w*)\}\S)/i;

/**
 * Whether it is a URL. Its scheme is in letters of one case. `base64:` begins the keys of Laravel, and a key of an API can stand
 * before a colon, so something like a host must follow.
 */
function isUrl(text: string): boolean {
  const [, scheme = ''] =
    /^\s*([a-z][a-z0-9+._:-]*|[A-Z+.:-]+|[A-Z][a-z+.:-]+):\/\/(?:[^\s/@]*@)?(?:[\w.-]*|\[[\da-fA-F:.]+\])(?:[:/?#,\s]|$)/.exec(
      text,
    ) ?? [];
  return scheme !== '' && scheme !== 'base64';
}

function isKey(text: string): boolean {
  return (
    /-{4,5} ?BEGIN [A-Z0-9 ]+-{4,5}/.test(text) ||
    /(?:^|\s)(?:sk-)?(?:ssh-(?:rsa|dss|ed25519|ed448)|ecdsa-sha2-nistp\d+)(?:@openssh\.com)?\s+AAAA/.test(
      text,
    ) ||
    /^\s*(?:PuTTY-User-Key-File-\d+:\s|AGE-SECRET-KEY-1[A-Z0-9]{58}\s*$)/.test(text)
  );
}

function isXml(text: string): boolean {
  let rest = text.trim();
  while (rest.startsWith('<!--')) {
    const end = rest.indexOf('-->');
    if (end < 0) return false;
    rest = rest.slice(end + 3).trimStart();
  }
  if (/^<(?:\?xml\s|!DOCTYPE\s)/i.test(rest)) return true;
  const [, name] = /^<([A-Za-z][\w:.-]{0,200})(?:\s|\/?>)/.exec(rest) ?? [];
  if (name === undefined) return false;
  return rest.endsWith(`</${name}>`) || (rest.endsWith('/>') && /^<[^<>]*\/>$/.test(rest));
}

function isHttpHeader(text: string): boolean {
  if (/^\s*(?:(?:Proxy-)?Authorization|(?:Set-)?Cookie|X-[A-Za-z][\w-]*|Api-Key)\s*:\s*\S/i.test(text))
    return true;
  if (/^\s*AWS4-HMAC-SHA256\s/.test(text) || isCookie(text)) return true;
  const [, scheme, value = ''] =
    /^\s*(Basic|Bearer|Token|ApiKey|SSWS)\s+([A-Za-z0-9._~+/:-]+=*)\s*$/i.exec(text) ?? [];
  if (scheme === undefined) return false;
  return scheme.toLowerCase() === 'basic'
    ? Buffer.from(value, 'base64').toString('latin1').includes(':')
    : value.length > 15;
}

/** @see https://www.rfc-editor.org/rfc/rfc6265#section-4.1.1 */
function isCookie(text: string): boolean {
  const [first = '', ...attributes] = text.split(';').map((part) => part.trim());
  return (
    /^[\w.-]+=\S*$/.test(first) &&
    attributes.some((one) => /^(?:HttpOnly|(?:Path|Domain|SameSite|Max-Age|Expires)=.+)$/i.test(one))
  );
}

/** Whether it is parameters of a URL, at least three, or two after a question mark. */
function isQuery(text: string): boolean {
  const [, start = '', query = ''] = /^\s*(SharedAccessSignature\s+|\?)?(\S+)\s*$/.exec(text) ?? [];
  const parts = query.split('&');
  const least = start === '' ? 3 : 2;
  return parts.length >= least && parts.every((part) => /^[A-Za-z][\w.~-]*=[\w.~%+:/@,*!-]*$/.test(part));
}

/** Whether it is a command of a shell: a program's name, and two options or more. */
function isCommand(text: string): boolean {
  const [program = '', ...rest] = text.trim().split(/\s+/);
  if (!/^[a-z][\w./-]*$/.test(program)) return false;
  return rest.filter((word) => /^--?[A-Za-z]/.test(word)).length > 1;
}

/** @see https://www.rfc-editor.org/rfc/rfc4514 */
function isDistinguishedName(text: string): boolean {
  const parts = text.trim().split(/(?<!\\),\s*/);
  return (
    parts.length > 1 &&
    parts.every((part) => /^(?:cn|ou|dc|o|c|l|st|uid|street|sn|serialNumber)\s*=\s*\S/i.test(part))
  );
}
