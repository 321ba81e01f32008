import { type Format, SyntaxProblem } from './format.ts';

/** A position in a file, for people. Line and column count from 1. */
export interface Position {
  readonly line: number;
  /** In UTF-16 units, as editors count. */
  readonly column: number;
}

/** Makes a function that turns an index of a text into line and column. */
export function createLocator(text: string): (index: number) => Position {
  const starts = [0, ...[...text.matchAll(/\r\n|\r|\n/g)].map(({ 0: { length }, index }) => index + length)];
  return (index) => {
    const line = starts.findLastIndex((start) => start <= index);
    return { line: line + 1, column: index - (starts[line] ?? 0) + 1 };
  };
}

type Encoding = 'utf-8' | 'utf-16le' | 'utf-16be' | 'latin1';

/** A file's text, and how to encode it again. */
export interface DecodedFile {
  /** Without a byte order mark. */
  readonly text: string;
  encode(text: string): Buffer;
}

/**
 * Decodes a file as UTF-8, or as UTF-16 if it has a byte order mark. In a format that only writes ASCII, such as
 * .properties, other encodings are kept byte by byte.
 *
 * @throws SyntaxProblem if the file has another encoding
 */
export function decodeFile(bytes: Uint8Array, format: Format): DecodedFile {
  const [first, second, third] = bytes;
  if (first === 0xff && second === 0xfe) return decoded(bytes, 2, 'utf-16le');
  if (first === 0xfe && second === 0xff) return decoded(bytes, 2, 'utf-16be');
  const mark = first === 0xef && second === 0xbb && third === 0xbf ? 3 : 0;
  try {
    return decoded(bytes, mark, 'utf-8');
  } catch (error) {
    const inBytes = decoded(bytes, 0, 'latin1');
    if (error instanceof TypeError && format.writesAscii?.(inBytes.text) === true) return inBytes;
    throw new SyntaxProblem(0, 'it is neither UTF-8 nor UTF-16 with a byte order mark');
  }
}

function decoded(bytes: Uint8Array, markLength: number, encoding: Encoding): DecodedFile {
  const mark = bytes.slice(0, markLength);
  const rest = Buffer.from(bytes.slice(markLength));
  const text = encoding === 'latin1' ? rest.toString('latin1') : decodeStrictly(rest, encoding);
  return { text, encode: (changed) => Buffer.concat([mark, encode(changed, encoding)]) };
}

/** @throws TypeError for bytes that are not of the encoding */
function decodeStrictly(bytes: Uint8Array, encoding: Exclude<Encoding, 'latin1'>): string {
  return new TextDecoder(encoding, { fatal: true, ignoreBOM: true }).decode(bytes);
}

function encode(text: string, encoding: Encoding): Buffer {
  if (encoding === 'utf-16be') return Buffer.from(text, 'utf16le').swap16();
  return Buffer.from(text, encoding === 'utf-16le' ? 'utf16le' : encoding === 'utf-8' ? 'utf8' : 'latin1');
}
