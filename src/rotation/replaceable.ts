import type { SecretDocument } from '../documents/document.ts';
import { formTag } from '../documents/hints.ts';
import { startsAsJson } from '../documents/leaves.ts';
import { isKeyValueLines } from '../documents/lines-scanner.ts';
import { connectionStringForm } from '../documents/recognise.ts';
import { KeyturnError } from '../errors.ts';
import type { Rotator } from '../rotator/contract.ts';
import { rotatorTag } from './select.ts';

/**
 * Refuses to replace a connection string, a program's settings or another text that somebody has written as if it were a
 * password or a random value: it would be lost. The secret's own tag can allow it. The function's variable can't, because
 * it is about all secrets.
 *
 * @throws MalformedSecret
 */
export function requireReplaceable(
  rotator: Rotator,
  document: SecretDocument,
  tags: ReadonlyMap<string, string>,
): void {
  const what = whatWouldBeLost(rotator, document, tags);
  if (what !== undefined) throw notReplaceable(what, rotator);
}

/** Names the kind of text that the value is and that the rotator must not replace. Undefined if it may replace the value. */
export function whatWouldBeLost(
  rotator: Rotator,
  { form, fields, isConnectionString }: SecretDocument,
  tags: ReadonlyMap<string, string>,
): string | undefined {
  const opensNothing = rotator.kind === 'changes' && rotator.opensNothing === true;
  if (tags.has(formTag) || (form !== 'text' && !opensNothing)) return undefined;
  if (form === 'env') return 'KEY=value lines';
  if (isConnectionString) return 'a connection string';
  const { password } = fields;
  if (typeof password !== 'string') return undefined;
  // A server may have issued a token that looks like one of `written`. A random value looks like none of them.
  return kindOfText(password, form) ?? (opensNothing ? kindOfWritten(password) : undefined);
}

/** Names the kind of a text that is neither a password nor a token. Undefined if it may be one. */
function kindOfText(password: string, form: SecretDocument['form']): string | undefined {
  if (isKeyValueLines(password)) return 'KEY=value lines';
  if (connectionStringForm(password) !== undefined || isDriversAddress(password))
    return 'a connection string';
  if (isJson(password)) return 'JSON';
  return form === 'text' && severalLines.test(password) ? 'a text of several lines' : undefined;
}

const severalLines = /[^\r\n][\r\n]+[^\r\n]/;

/** Whether it is JSON, or nearly: in other quotes, with comments, or cut off. A password may begin and end with brackets. */
function isJson(text: string): boolean {
  if (!startsAsJson.test(text)) return false;
  if (/^\s*\{\s*(?:\\?["'][^"'\\]+\\?["']\s*:|[A-Za-z_]\w*:\s)/.test(text)) return true;
  if (/^\s*\{\s*[A-Za-z_]\w*:\s*["'][\s\S]*\}\s*$/.test(text)) return true;
  if (/^\s*(?:\/\/|\/\*)/.test(text)) return /[\]}]\s*$/.test(text);
  try {
    return typeof JSON.parse(text) === 'object';
  } catch {
    return false;
  }
}

/** Whether it is an address of Go's MySQL driver (`user:password@tcp(host)/database`) or Oracle's (`user/password@//host`). */
function isDriversAddress(text: string): boolean {
  return text.length < 500 && driversAddress.test(text);
}

const driversAddress =
  /^(?:[^\s:/@]+:\S*@\w+\(\S+\)\/|[A-Za-z][\w$#.-]*\/\S+@(?:\/\/)?[\w.-]+(?::\d+)?\/[\w.-]*$)/;

/** Words that stand before a setting's value: at the text's start, or after a character that no word has. */
const settingName =
  /(?:^|[\s;,{[(&_.$:-])["']?(?:user(?:name|id)?|pass(?:word|wd|phrase)?|host(?:name)?|server|database|secret|token|api_?key|access_?key)["']?\s*[:=]/i;

/** Texts that are no random values: the name of each kind in an error, and what it looks like. */
const written: readonly (readonly [kind: string, RegExp])[] = [
  ['a key or a certificate', /-----BEGIN [A-Z0-9 ]+-----/],
  ['a key or a certificate', /^\s*(?:ssh-(?:rsa|dss|ed25519)|ecdsa-sha2-\S+|PuTTY-User-Key-File-\d+:)\s/],
  ['XML', /^\s*(?:<\?xml\s|<([A-Za-z][\w:.-]*)(?:\s[^>]*)?(?:\/>|>[\s\S]*<\/\1\s*>)\s*$)/],
  // Azure's, such as DefaultEndpointsProtocol=https;AccountName=...
  [
    'a connection string',
    /^\s*(?:[A-Z][a-z]{2}[A-Za-z]*=[^;]*;\s*){1,20}(?:[A-Z][a-z]{2}[A-Za-z]*=[^;]*;?\s*)?$/,
  ],
  // Oracle's descriptors, .pgpass, Go's MySQL driver without an address, Snowflake's driver
  ['a connection string', /\(\s*DESCRIPTION\s*=/i],
  ['a connection string', /^(?:\*|[\w.-]+):(?:\d{2,5}|\*):(?:\*|[\w.-]+):(?:\*|[\w.-]+):\S+$/],
  ['a connection string', /^[A-Za-z][\w.-]+:[^\s@]+@[\w.-]*(?::\d+)?\/[A-Za-z][\w-]*(?:[/?]\S*)?$/],
  ['a line of .netrc', /^\s*machine\s+\S+\s+(?:login|password)\s/],
  ['an HTTP header', /^\s*(?:[A-Za-z-]+:\s*)?(?:Basic|Bearer)\s+\S+\s*$/i],
  ['settings of a program', settingName],
  ['settings of a program', /^\s*(?:#[^\n]*\n\s*)*[A-Za-z_][\w.]*\s+=\s+\S/],
  ['settings of a program', /^\s*(?:export\s+|set\s+|\$env:|-e\s+)[A-Za-z_]\w*\s*=/i],
];

/**
 * Names the kind of a text that somebody has written, also if it is in quotes or encoded. Undefined if it may be a random
 * value. Of a long text, only the beginning is searched.
 */
function kindOfWritten(text: string, depth = 0): string | undefined {
  const plain = text.length < 20_000 ? text : text.slice(0, 20_000);
  const own = kindOfText(plain, 'text') ?? written.find(([, form]) => form.test(plain))?.[0];
  if (own !== undefined || depth === 2) return own;
  for (const inner of decodings(plain.trim())) {
    const kind = kindOfWritten(inner, depth + 1);
    if (kind !== undefined) return `${kind}, in quotes or encoded`;
  }
  return undefined;
}

/** Decodes the text in every way that fits: quotes, escapes of JSON or URLs, Base64 (also the first part of a JWT), hex. */
function decodings(text: string): string[] {
  const found: string[] = [];
  if (/^(["'`])[\s\S]*\1$/.test(text))
    found.push(text.slice(1, -1), text.slice(1, -1).replaceAll('\\"', '"'));
  if (/%(?:3A|3D|22|7B)/i.test(text)) {
    try {
      found.push(decodeURIComponent(text));
    } catch {
      // A percent sign that encodes nothing.
    }
  }
  const [first = ''] = text.split('.');
  if (/^[A-Za-z0-9+/_-]{12,}={0,2}$/.test(first)) found.push(...readable(Buffer.from(first, 'base64')));
  if (/^(?:[0-9a-f]{2}){8,}$/i.test(text)) found.push(...readable(Buffer.from(text, 'hex')));
  return found.filter((inner) => inner !== text);
}

/** Bytes as a text, if they are one that a person can read. */
function readable(bytes: Buffer): string[] {
  const text = bytes.toString('utf8');
  return /^[\t\r\n\x20-\x7e\u{a0}-\u{fffc}\u{10000}-\u{10ffff}]+$/u.test(text) ? [text] : [];
}

function notReplaceable(what: string, { name }: Rotator): KeyturnError {
  return new KeyturnError(
    'MalformedSecret',
    `The secret's value reads as ${what}, which the rotator ${name} would replace by a value that nothing else knows.`,
    `Choose the rotator of its server with the tag ${rotatorTag}. If the value is meant, name its form with the tag ${formTag}.`,
  );
}
