import type { Span } from '../../documents/form.ts';
import { propertiesValue } from '../filters.ts';
import { byOffsets, type Format, SyntaxProblem, type ValuePlace } from '../format.ts';

const lineBreak = /\r\n|\r|\n/y;

/**
 * Java's .properties: comments, continued lines, escapes.
 *
 * @see https://docs.oracle.com/en/java/javase/21/docs/api/java.base/java/util/Properties.html#load(java.io.Reader)
 */
export const propertiesFormat: Format = {
  name: 'properties',
  writesAscii: () => true,
  scan: (text) => {
    const places: ValuePlace[] = [];
    const comments: Span[] = [];
    for (let at = 0; at < text.length; ) {
      const start = at + lengthAt(/[ \t\f]*/y, text, at);
      const end = /[#!]/.test(text[start] ?? '') ? endOfLine(text, start) : endOfLogicalLine(text, start);
      if (/[#!]/.test(text[start] ?? '')) comments.push({ start, end });
      else if (start < end) places.push(valuePlace(text, start, end));
      at = end + lengthAt(lineBreak, text, end);
    }
    return { places, comments };
  },
};

function lengthAt(token: RegExp, text: string, at: number): number {
  token.lastIndex = at;
  return token.exec(text)?.[0].length ?? 0;
}

function endOfLine(text: string, from: number): number {
  return from + lengthAt(/[^\r\n]*/y, text, from);
}

/** The end of a logical line: a backslash escapes the line break, or any other character, after it. */
function endOfLogicalLine(text: string, from: number): number {
  return from + lengthAt(/(?:\\(?:\r\n|[\s\S])|[^\\\r\n])*/y, text, from);
}

function valuePlace(text: string, start: number, lineEnd: number): ValuePlace {
  const keyEnd = start + lengthAt(/(?:\\(?:\r\n|[\s\S])|[^\\=: \t\f\r\n])*/y, text, start);
  const separator =
    /(?:[ \t\f]|\\\r?\n[ \t\f]*|\\\r[ \t\f]*)*(?:[=:](?:[ \t\f]|\\\r?\n[ \t\f]*|\\\r[ \t\f]*)*)?/y;
  const valueStart = Math.min(keyEnd + lengthAt(separator, text, keyEnd), lineEnd);
  const { value, offsets } = decode(text, valueStart, lineEnd);
  return {
    span: { start: valueStart, end: lineEnd },
    text: value,
    locate: byOffsets(offsets),
    inPlace: (part, { before, after }) =>
      propertiesValue(part, { atStart: before === '', atEnd: after === '' }),
  };
}

const escapes: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', f: '\f' };

function decode(text: string, start: number, end: number): { value: string; offsets: number[] } {
  let value = '';
  const offsets: number[] = [];
  for (let at = start; at < end; ) {
    const [continued] = /^\\(?:\r\n|\r|\n)[ \t\f]*/.exec(text.slice(at, end)) ?? [];
    if (continued !== undefined) {
      at += continued.length;
      continue;
    }
    offsets.push(at);
    const escaped = text[at] === '\\' ? text[at + 1] : undefined;
    if (escaped === 'u') {
      const digits = text.slice(at + 2, at + 6);
      if (!/^[\da-f]{4}$/i.test(digits))
        throw new SyntaxProblem(at, '\\u is not followed by four hexadecimal digits');
      value += String.fromCharCode(Number.parseInt(digits, 16));
      at += 6;
    } else if (text[at] === '\\') {
      value += escapes[escaped ?? ''] ?? escaped ?? '';
      at += 2;
    } else {
      value += text[at];
      at += 1;
    }
  }
  offsets.push(end);
  return { value, offsets: offsets.slice(0, value.length).concat(end) };
}
