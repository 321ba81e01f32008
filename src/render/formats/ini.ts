import type { Span } from '../../documents/form.ts';
import { jsonString } from '../filters.ts';
import {
  byOffsets,
  byShift,
  type Format,
  marker,
  placeholderEnd,
  type Surroundings,
  SyntaxProblem,
  Unwritable,
  type ValuePlace,
  withNeighbours,
} from '../format.ts';
import type { FormatName } from '../format-names.ts';

type IniFormat = Extract<FormatName, 'ini' | 'ini-python' | 'ini-quoted'>;

/**
 * INI files. There is no standard, so there are three formats:
 *
 * - `ini` writes only what all readers agree on, and refuses the rest.
 * - `ini-python` is for Python's configparser: no quotes, and a percent sign interpolates.
 * - `ini-quoted` is for readers of double quotes with JSON's escapes, such as npm's `ini`.
 *
 * @see https://docs.python.org/3/library/configparser.html
 * @see https://github.com/npm/ini
 */
export function iniFormat(name: IniFormat): Format {
  return {
    name,
    scan: (text) => {
      const places: ValuePlace[] = [];
      const comments: Span[] = [];
      for (const { 0: line, index: start } of text.matchAll(/[^\r\n]+/g)) {
        const content = line.trim();
        if (/^[;#]/.test(content)) comments.push({ start, end: start + line.length });
        if (content === '' || /^[;#[]/.test(content)) continue;
        const separator = separatorOf(line);
        if (separator === undefined) continue;
        const place = valuePlace(name, text, start + separator + 1, start + line.length);
        places.push(place);
        comments.push({ start: place.span.end, end: start + line.length });
      }
      return { places, comments };
    },
  };
}

/** The first equals sign, else the first colon, outside of placeholders. */
function separatorOf(line: string): number | undefined {
  let colon: number | undefined;
  for (let at = 0; at < line.length; ) {
    if (line[at] === '=') return at;
    if (line[at] === ':') colon ??= at;
    at = (line.startsWith(marker, at) ? placeholderEnd(line, at) : undefined) ?? at + 1;
  }
  return colon;
}

function valuePlace(name: IniFormat, text: string, from: number, lineEnd: number): ValuePlace {
  const start = from + (/^\s*/.exec(text.slice(from, lineEnd))?.[0].length ?? 0);
  const end = endOfValue(name, text, Math.min(start, lineEnd), lineEnd);
  const span = { start: Math.min(start, lineEnd), end };
  const source = text.slice(span.start, span.end);
  const isQuoted = source.length > 1 && source.startsWith('"') && source.endsWith('"');
  if (name === 'ini-python') return pythonPlace(source, span);
  if (name === 'ini-quoted') return isQuoted ? quotedPlace(source, span) : barePlace(source, span);
  if (isQuoted) {
    return { span, text: source.slice(1, -1), locate: byShift(span.start + 1), inPlace: portableInQuotes };
  }
  return { span, text: source, locate: byShift(span.start), inPlace: portable };
}

/** The end of a value, without spaces. A comment on the same line ends it, except for configparser. */
function endOfValue(name: IniFormat, text: string, start: number, lineEnd: number): number {
  let end = start;
  const isQuoted = text[start] === '"';
  let isInside = isQuoted;
  for (let at = start; at < lineEnd; ) {
    const startsComment = /[;#]/.test(text.charAt(at)) && (at === start || /\s/.test(text.charAt(at - 1)));
    if (startsComment && !isInside && name !== 'ini-python') break;
    if (text[at] === '\\' && isInside) at += 1;
    else if (text[at] === '"' && at > start) isInside = false;
    at = (text.startsWith(marker, at) ? placeholderEnd(text, at) : undefined) ?? at + 1;
    if (!/\s/.test(text.charAt(at - 1))) end = Math.min(at, lineEnd);
  }
  return end;
}

const plain = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]*$/u;

function notHeld(value: string, { before, after }: Surroundings): string | undefined {
  if (/[\r\n]/.test(value)) return 'has a line break, which a value of an INI file can not hold';
  if (!plain.test(value)) return 'has a control character or a space of another kind';
  const isEdge = (before === '' && value.startsWith(' ')) || (after === '' && value.endsWith(' '));
  return isEdge ? 'begins or ends with a space, which readers remove' : undefined;
}

const otherFormats = '; --format ini-python or ini-quoted writes it for readers of one kind';

function portable(value: string, surroundings: Surroundings): string | Unwritable {
  const problem = notHeld(value, surroundings);
  if (problem !== undefined) return new Unwritable(problem);
  const isAtEnd = surroundings.after === '' && value.endsWith('\\');
  const joined = withNeighbours(value, surroundings, /[\\${]/);
  if (isAtEnd || /[;#%"']|\$\{|\\\\/.test(joined)) {
    return new Unwritable(
      `has one of ; # % " ' \${ \\\\, in which readers of INI files differ${otherFormats}`,
    );
  }
  return value;
}

function portableInQuotes(value: string, surroundings: Surroundings): string | Unwritable {
  const problem = notHeld(value, { ...surroundings, before: '"', after: '"' });
  if (problem !== undefined) return new Unwritable(problem);
  if (!/["\\]/.test(value)) return value;
  return new Unwritable(
    `has a double quote or a backslash, in which readers of INI files differ${otherFormats}`,
  );
}

function pythonPlace(source: string, span: Span): ValuePlace {
  const tokens = [...source.matchAll(/%%|[\s\S]/g)];
  return {
    span,
    text: tokens.map(([token]) => token.charAt(0)).join(''),
    locate: byOffsets([...tokens.map(({ index }) => span.start + index), span.end]),
    inPlace: (value, surroundings) => {
      const problem = notHeld(value, surroundings);
      return problem === undefined ? value.replaceAll('%', '%%') : new Unwritable(problem);
    },
  };
}

function quotedPlace(source: string, span: Span): ValuePlace {
  const tokens = [...source.slice(1, -1).matchAll(/\\u[\da-f]{4}|\\.|[\s\S]/gi)];
  return {
    span,
    text: parseQuoted(source, span),
    locate: byOffsets([...tokens.map(({ index }) => span.start + 1 + index), span.end - 1]),
    inPlace: (value) => quoted(value).slice(1, -1),
  };
}

function parseQuoted(source: string, span: Span): string {
  try {
    const value: unknown = JSON.parse(source);
    if (typeof value === 'string') return value;
  } catch {
    // The error below quotes nothing of the text.
  }
  throw new SyntaxProblem(span.start, 'a value in double quotes is no string of JSON');
}

function barePlace(source: string, span: Span): ValuePlace {
  return {
    span,
    text: source,
    locate: byShift(span.start),
    inPlace: () => new Unwritable('must be in quotes'),
    anew: quoted,
  };
}

/** A string of JSON. All control characters and unusual spaces are escaped, since some count as line breaks. */
function quoted(value: string): string {
  return jsonString(value).replace(/[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu, (char) =>
    Array.from(
      { length: char.length },
      (_, unit) => `\\u${char.charCodeAt(unit).toString(16).padStart(4, '0')}`,
    ).join(''),
  );
}
