import { gunzipSync } from 'node:zlib';

/** A secret has at most 65,536 bytes. What unpacks to more than a few times that is no secret's text. */
const mostUnpackedBytes = 262_144;

/**
 * A text as people read it: without byte order marks and characters that nobody sees, with plain quotes, and with letters and
 * punctuation of usual width. A byte order mark that was read in Windows's code page counts as one.
 */
export function plainText(text: string): string {
  const plain = fromUtf16(text.replace(/^\ufeff/, ''));
  if (!/[^\t\n\r\x20-\x7e]/.test(plain)) return plain;
  return plain
    .replace(/\u00ef\u00bb\u00bf|[\u200b-\u200f\u2060\ufeff\u00ad]/g, '')
    .replace(/[\u201c-\u201f\u00ab\u00bb\u2033]/g, '"')
    .replace(/[\u2018-\u201b\u2032]/g, "'")
    .normalize('NFKC');
}

/** The text whose UTF-16 was read byte by byte. Any other text is returned as it is. */
function fromUtf16(text: string): string {
  if (!text.includes('\0') || /[\u0100-\uffff]/.test(text)) return text;
  const bytes = Buffer.from(text, 'latin1');
  return asUtf16(bytes) ?? text;
}

/** Bytes as UTF-16, if they are mostly letters and signs of ASCII in it: every second byte is zero. */
function asUtf16(bytes: Buffer): string | undefined {
  const pairs = Math.floor(Math.min(bytes.length, 64) / 2);
  const zeros = (from: 0 | 1): number =>
    Array.from({ length: pairs }, (_, index) => bytes[2 * index + from]).filter((byte) => byte === 0).length;
  const whole = bytes.subarray(0, bytes.length - (bytes.length % 2));
  if (zeros(1) > pairs / 2) return whole.toString('utf16le');
  return zeros(0) > pairs / 2 ? Buffer.from(whole).swap16().toString('utf16le') : undefined;
}

/** A value that a program has cut into lines, in one piece. Undefined for any other text. */
export function unwrapped(text: string): string | undefined {
  const lines = text.trim().split(/\r?\n/);
  const [first = ''] = lines;
  const isCut = (line: string, index: number): boolean =>
    (index === lines.length - 1 ? line.length <= first.length : line.length === first.length) &&
    /^[A-Za-z0-9+/_-]+={0,2}$/.test(line);
  // openssl cuts after 64 characters, base64 after 76, xxd after 60.
  if (lines.length < 2 || ![60, 64, 76].includes(first.length) || !lines.every(isCut)) return undefined;
  return lines.join('');
}

/** Bytes in Base64 or hexadecimal digits. Of a JSON Web Token, those of its first part. */
function* bytesIn(text: string): Generator<Buffer> {
  const whole = unwrapped(text) ?? text;
  const code = whole.replace(/^(?:data:[^,]{0,200};base64,|base64:|\{base64\})/i, '');
  const [first = ''] = code.split('.', 1);
  if (/^[A-Za-z0-9+/_-]{8,}={0,2}$/.test(first)) yield Buffer.from(first, 'base64');
  const digits = code.replace(/^(?:0x|\\x)/i, '');
  if (/^[0-9a-f]{12,}$/i.test(digits) && digits.length % 2 === 0) yield Buffer.from(digits, 'hex');
}

/** Files that begin with these bytes. Three bytes or more: chance makes them once in 16 million values. */
const files: readonly (readonly [kind: string, start: readonly number[]])[] = [
  ['a compressed file', [0x1f, 0x8b, 0x08]],
  ['a compressed file', [0x28, 0xb5, 0x2f, 0xfd]],
  ['a compressed file', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]],
  ['a compressed file', [0x42, 0x5a, 0x68, 0x39]],
  ['a compressed file', [0x50, 0x4b, 3, 4]],
  // Java's keystores
  ['a key or a certificate', [0xfe, 0xed, 0xfe, 0xed]],
  ['a key or a certificate', [0xce, 0xce, 0xce, 0xce]],
  // OpenSSH's keys, private and public
  ['a key or a certificate', [...Buffer.from('openssh-key-v1\0')]],
  ['a key or a certificate', [0, 0, 0, 7, ...Buffer.from('ssh-')]],
  ['a key or a certificate', [0, 0, 0, 0x0b, ...Buffer.from('ssh-')]],
  ['a key or a certificate', [0, 0, 0, 0x13, ...Buffer.from('ecdsa-')]],
];

/** Names the kind of file that a text holds in Base64 or hexadecimal digits. Undefined for any other text. */
export function fileIn(text: string): string | undefined {
  for (const bytes of bytesIn(text.trim())) {
    if (isDer(bytes)) return 'a key or a certificate, encoded';
    const found = files.find(([, start]) => start.every((byte, index) => bytes[index] === byte));
    if (found !== undefined) return `${found[0]}, encoded`;
  }
  return undefined;
}

/**
 * Whether bytes are a key, a certificate or PKCS #12 in DER: a sequence as long as the bytes, that begins with a version or with
 * another sequence.
 *
 * @see https://www.itu.int/rec/T-REC-X.690
 */
function isDer(bytes: Buffer): boolean {
  if (bytes[0] !== 0x30) return false;
  const [, length = 0] = bytes;
  const more = length < 0x80 ? 0 : length - 0x80;
  if (more > 3 || bytes.length < 2 + more) return false;
  const stated = more === 0 ? length : bytes.readUIntBE(2, more);
  const start = 2 + more;
  if (stated !== bytes.length - start) return false;
  const isVersion = bytes[start] === 2 && bytes[start + 1] === 1 && (bytes[start + 2] ?? 255) < 4;
  const inner = bytes[start + 1] ?? 0;
  return isVersion || (bytes[start] === 0x30 && (inner > 0x80 || bytes.length > start + inner + 2));
}

/** How a text was written within another one. */
export type Code = 'quotes' | 'escapes' | 'bytes';

/**
 * Decodes a text in every way that fits: quotes, escapes of JSON, URLs and HTML, Base64 (of a JSON Web Token, its first part),
 * hexadecimal digits, and what was compressed by gzip.
 */
export function decodings(text: string): { readonly inner: string; readonly code: Code }[] {
  const trimmed = text.trim();
  const found: { inner: string; code: Code }[] = [];
  const add = (code: Code, ...inner: string[]): void => {
    found.push(
      ...inner.filter((one) => one !== text && one !== trimmed).map((one) => ({ inner: one, code })),
    );
  };
  if (/^["'`]/.test(trimmed) && trimmed.length > 1 && trimmed.endsWith(trimmed.charAt(0)))
    add('quotes', trimmed.slice(1, -1), ...stringOfJson(trimmed));
  if (/\\["'\\/nrtu]/.test(trimmed)) add('escapes', unescaped(trimmed));
  if (/%[0-9a-f]{2}/i.test(trimmed))
    add(/^[\w.!~*'()%/:?&=+-]*$/.test(trimmed) ? 'quotes' : 'escapes', percentDecoded(trimmed));
  if (/&(?:quot|apos|lt|gt|amp|#\d+|#x[\da-f]+);/i.test(trimmed)) add('escapes', withoutEntities(trimmed));
  for (const bytes of bytesIn(trimmed)) add('bytes', ...readable(bytes), ...unpacked(bytes));
  return found;
}

function stringOfJson(text: string): string[] {
  try {
    return [String(JSON.parse(text))];
  } catch {
    return [];
  }
}

/** A percent sign that encodes nothing stays. */
function percentDecoded(text: string): string {
  return text.replace(/(?:%[0-9a-f]{2})+/gi, (codes) =>
    Buffer.from(codes.replaceAll('%', ''), 'hex').toString(),
  );
}

const escapes: ReadonlyMap<string, string> = new Map([
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
]);

function unescaped(text: string): string {
  return text.replace(/\\(?:u([0-9a-f]{4})|([^u]))/gi, (_, code: string | undefined, character: string) =>
    code === undefined
      ? (escapes.get(character) ?? character)
      : String.fromCharCode(Number.parseInt(code, 16)),
  );
}

const entities: ReadonlyMap<string, string> = new Map([
  ['quot', '"'],
  ['apos', "'"],
  ['lt', '<'],
  ['gt', '>'],
  ['amp', '&'],
]);

function withoutEntities(text: string): string {
  return text.replace(/&(?:(quot|apos|lt|gt|amp)|#(\d{1,6})|#x([\da-f]{1,5}));/gi, (_, name, decimal, hex) =>
    name === undefined
      ? String.fromCodePoint(Number.parseInt(decimal ?? hex, decimal === undefined ? 16 : 10))
      : (entities.get(String(name).toLowerCase()) ?? ''),
  );
}

/** Bytes as a text, in UTF-8 or in UTF-16 as PowerShell encodes it. Empty if no person could read it. */
function readable(bytes: Buffer): string[] {
  const text = asUtf16(bytes) ?? bytes.toString();
  return /^[\t\r\n\x20-\x7e\u{a0}-\u{fffc}\ufeff\u{10000}-\u{10ffff}]+$/u.test(text) ? [text] : [];
}

function unpacked(bytes: Buffer): string[] {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return [];
  try {
    return readable(gunzipSync(bytes, { maxOutputLength: mostUnpackedBytes }));
  } catch {
    return [];
  }
}
