import { KeyturnError } from '../errors.ts';
import { listPaths, type OtherValue } from './form.ts';
import { isCredentialName } from './setting-names.ts';

/**
 * Finds places that would still hold the replaced credential. Whoever reads it there would be locked out without a warning.
 *
 * @param old the replaced credential
 * @param text the whole text that is to be stored
 * @param others the values in that text
 * @param isLeft whether the tag keyturn:leave says that a place stays as it is
 * @returns CredentialCopied, with the places and never the value. Undefined if nothing holds the credential.
 */
export function copiesLeft(
  old: string,
  text: string,
  others: readonly OtherValue[],
  isLeft: (path: string) => boolean,
): KeyturnError | undefined {
  const copies = isByChance(old) ? [] : encodedCopies(old);
  const holding = others
    .filter(({ path, value }) => holds(value, { old, copies }, path))
    .map(({ path }) => path);
  const paths = [...new Set(holding)].filter((path) => !isLeft(path));
  // A value that the tag leaves as it is could be found again as a comment. So comments count only if no value holds it.
  if (paths.length === 0 && (holding.length > 0 || isLeft('comments') || !isInComment(text, { old, copies })))
    return undefined;
  const shown = paths.map((path) => path.replaceAll(old, '...'));
  const places = paths.length === 0 ? 'a comment' : listPaths(shown);
  const left = paths.length === 0 ? 'comments' : shown[0];
  return new KeyturnError(
    'CredentialCopied',
    `The secret holds the old credential also in ${places}, where it would stay and open nothing any more.`,
    `Nothing was changed. Take it out, or name what is to stay in the tag keyturn:leave, such as ${left}.`,
    { field: shown[0] ?? 'comments' },
  );
}

/** Stands for a name in a path. The name may be a copy of the credential, so it is not shown. */
export const nameOfField = '(a name)';

/** A short value, a single word or a number may be in a text by chance. */
function isByChance(value: string): boolean {
  return value.length < 8 || /^(?:\p{L}+|\d+)$/u.test(value);
}

/** What is searched for: the replaced credential, as it is and encoded. */
interface Searched {
  readonly old: string;
  readonly copies: readonly string[];
}

function holds(text: string, { old, copies }: Searched, path: string): boolean {
  const readings = readingsOf(text);
  if (!isByChance(old))
    return readings.some((reading) => reading.includes(old) || holdsEncoded(reading, copies));
  const name = path.slice(path.lastIndexOf('.') + 1);
  if (name === nameOfField) return false;
  if (isCredentialName(name) && readings.some((reading) => reading === old)) return true;
  return readings.some((reading) => isAsCredential(reading, old));
}

/** How many characters before a value are looked at. */
const around = 24;

/** The longest line of .pgpass that is looked at, without its password, in characters. */
const longestPgpass = 400;

/**
 * Whether a text ends with a line of .pgpass up to its password.
 *
 * @param before the last characters of that text
 * @param at length of that text
 */
function isEndOfPgpass(before: string, at: number): boolean {
  const line = before.slice(before.lastIndexOf('\n') + 1);
  const isWhole = line.length < before.length || at === before.length;
  return isWhole && /^[^:\s]+:(?:\d+|\*):[^:]+:[^:]+:$/.test(line);
}

/** Whether a text has the value as a credential: `user:old@host`, `password=old`, `user/old@host` or a line of .pgpass. */
function isAsCredential(text: string, old: string): boolean {
  for (let at = text.indexOf(old); at >= 0; at = text.indexOf(old, at + 1)) {
    const end = at + old.length;
    const [before, after] = [text.slice(Math.max(0, at - around), at), text.slice(end, end + 1)];
    if (/[:/]$/.test(before) && after === '@') return true;
    if (/^\s?$/.test(after) && isEndOfPgpass(text.slice(Math.max(0, at - longestPgpass), at), at))
      return true;
    if (/(?:password|passwd|pwd|pass)["']?\s*[=:]\s*["'{]?$/i.test(before) && /^[;&\s"'},]?$/.test(after))
      return true;
  }
  return false;
}

function isInComment(text: string, searched: Searched): boolean {
  if (isByChance(searched.old)) return false;
  for (const comment of commentsIn(text)) if (holds(comment, searched, '')) return true;
  return false;
}

/**
 * A text in Base64 and in hexadecimal, in UTF-8 and in UTF-16. Base64 encodes groups of three bytes. So the text has three
 * forms within a longer one, because it can begin at any byte of a group. Characters at both ends that also depend on the
 * bytes around the text are cut off.
 */
function encodedCopies(text: string): string[] {
  return (['utf8', 'utf16le'] as const).flatMap((encoding) => {
    const bytes = Buffer.from(text, encoding);
    const inBase64 = [0, 1, 2].map((before) => {
      const all = Buffer.concat([Buffer.alloc(before), bytes])
        .toString('base64')
        .replace(/=+$/, '');
      const isWhole = (before + bytes.length) % 3 === 0;
      return all.slice(Math.ceil((before * 4) / 3), isWhole ? undefined : -1);
    });
    return [...inBase64, bytes.toString('hex')];
  });
}

/** Whether a text holds one of the copies, in either alphabet of Base64, and with any separators between bytes and lines. */
function holdsEncoded(text: string, copies: readonly string[]): boolean {
  const inBase64 = text.replace(/\s+/g, '').replaceAll('-', '+').replaceAll('_', '/');
  const inHex = text.toLowerCase().replace(/\\x|0x|[\s:,-]/g, '');
  return copies.some((copy) => inBase64.includes(copy) || inHex.includes(copy));
}

/** The parts of a text that may be comments: up to the end of a line, or between the signs of a block comment. */
export function* commentsIn(text: string): Generator<string> {
  for (const line of text.split('\n')) {
    const start = line.search(/(?:^|\s)(?:#|\/\/)|^\s*;/);
    if (start >= 0) yield line.slice(start);
  }
  for (let start = text.indexOf('/*'); start >= 0; ) {
    const end = text.indexOf('*/', start);
    if (end < 0) return;
    yield text.slice(start, end);
    start = text.indexOf('/*', end);
  }
}

const mostReadings = 40;

/**
 * A text, and what its readers can make of it: unescaped, and decoded from percent codes, entities, Base64 and hexadecimal.
 * Two layers deep.
 */
function readingsOf(text: string): readonly string[] {
  const readings = new Set([text]);
  for (let layer = 0; layer < 2; layer += 1)
    for (const reading of [...readings])
      for (const decoded of decode(reading)) {
        if (readings.size >= mostReadings) return [...readings];
        readings.add(decoded);
      }
  return [...readings];
}

function* decode(text: string): Generator<string> {
  if (text.includes('%')) yield text.replaceAll('+', ' ').replace(/(?:%[0-9a-f]{2})+/gi, percentDecoded);
  if (text.includes('%')) yield text.replace(/(?:%[0-9a-f]{2})+/gi, percentDecoded);
  if (text.includes('\\'))
    yield text
      .replace(/\\u([0-9a-f]{4})/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
      .replace(/\\(.)/gs, '$1');
  if (text.includes('&')) yield text.replace(/&([a-z]+|#\d+|#x[\da-f]+);/gi, entity);
  if (/(["'}])\1/.test(text)) yield text.replace(/(["'}])\1/g, '$1');
  for (const [whole] of text.matchAll(
    /[A-Za-z0-9+/_-](?:[A-Za-z0-9+/_-]|\r?\n[ \t]*(?=[A-Za-z0-9+/_-])){7,}/g,
  )) {
    const run = whole.replace(/\s+/g, '');
    const bytes = Buffer.from(run, 'base64');
    if (isText(bytes)) yield bytes.toString();
    if (/^(?:[0-9a-f]{2})+$/i.test(run) && isText(Buffer.from(run, 'hex')))
      yield Buffer.from(run, 'hex').toString();
  }
}

function percentDecoded(encoded: string): string {
  return Buffer.from(encoded.replaceAll('%', ''), 'hex').toString();
}

/** HTML's names of ASCII punctuation. @see https://html.spec.whatwg.org/multipage/named-characters.html */
const entities: ReadonlyMap<string, string> = new Map([
  ['amp', '&'],
  ['lt', '<'],
  ['gt', '>'],
  ['quot', '"'],
  ['apos', "'"],
  ['excl', '!'],
  ['num', '#'],
  ['dollar', '$'],
  ['percnt', '%'],
  ['lpar', '('],
  ['rpar', ')'],
  ['ast', '*'],
  ['plus', '+'],
  ['comma', ','],
  ['period', '.'],
  ['sol', '/'],
  ['colon', ':'],
  ['semi', ';'],
  ['equals', '='],
  ['quest', '?'],
  ['commat', '@'],
  ['lsqb', '['],
  ['lbrack', '['],
  ['bsol', '\\'],
  ['rsqb', ']'],
  ['rbrack', ']'],
  ['hat', '^'],
  ['lowbar', '_'],
  ['grave', '`'],
  ['lcub', '{'],
  ['lbrace', '{'],
  ['vert', '|'],
  ['verbar', '|'],
  ['rcub', '}'],
  ['rbrace', '}'],
]);

function entity(whole: string, name: string): string {
  const known = entities.get(name.toLowerCase());
  if (known !== undefined) return known;
  if (!name.startsWith('#')) return whole;
  const code = /^#x/i.test(name) ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1));
  return code > 0 && code < 0x11_0000 ? String.fromCodePoint(code) : whole;
}

function isText(bytes: Buffer): boolean {
  const decoded = bytes.toString();
  return decoded.length >= 4 && !/[\0\ufffd]/.test(decoded);
}
