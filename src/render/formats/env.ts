import type { Span } from '../../documents/form.ts';
import {
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

/**
 * .env files. There is no standard. A value is written so that Node.js's dotenv, python-dotenv, Docker Compose and a POSIX
 * shell read it alike. A value that they would read differently is refused.
 *
 * @see https://github.com/motdotla/dotenv
 * @see https://docs.docker.com/compose/how-tos/environment-variables/variable-interpolation/#env-file-syntax
 */
export const envFormat: Format = {
  name: 'env',
  scan: (text) => {
    const places: ValuePlace[] = [];
    const comments: Span[] = [];
    for (let at = 0; at < text.length; ) {
      const lineEnd = endOfLine(text, at);
      const line = text.slice(at, lineEnd);
      let end = lineEnd;
      if (/^\s*#/.test(line)) comments.push({ start: at, end: lineEnd });
      else if (line.trim() !== '') {
        const [assignment] = /^\s*(?:export\s+)?[A-Za-z_][\w.-]*[ \t]*=[ \t]*/.exec(line) ?? [];
        if (assignment === undefined)
          throw new SyntaxProblem(at, 'it is no line of a .env file, such as NAME=value');
        const place = valueAt(text, at + assignment.length);
        places.push(place);
        end = endOfLine(text, place.span.end);
        comments.push(commentAfter(text, place.span.end, end));
      }
      at = end + (text.startsWith('\r\n', end) ? 2 : 1);
    }
    return { places, comments };
  },
};

function endOfLine(text: string, from: number): number {
  const length = text.slice(from).search(/[\r\n]/);
  return length < 0 ? text.length : from + length;
}

function commentAfter(text: string, start: number, end: number): Span {
  const rest = text.slice(start, end);
  if (rest.trim() === '' || /^\s*#/.test(rest)) return { start, end };
  throw new SyntaxProblem(start, 'something follows a value in quotes');
}

type Quote = "'" | '"' | '`' | '';

function valueAt(text: string, start: number): ValuePlace {
  const first = text.charAt(start);
  const quote: Quote = first === "'" || first === '"' || first === '`' ? first : '';
  const end = quote === '' ? endOfPlain(text, start) : endOfQuoted(text, start, quote);
  const inner = text.slice(start + quote.length, end - quote.length);
  return {
    span: { start, end },
    text: inner,
    locate: byShift(start + quote.length),
    inPlace: (value, surroundings) =>
      // Readers also differ in the text beside the placeholder, if it has special characters and no quotes.
      quote === '' && !/^[\w./:@%+,=^-]*$/.test(withoutPlaceholders(inner))
        ? new Unwritable('must be in quotes')
        : writeInside(value, quote, surroundings),
    anew: (changed) => (quote === "'" || !/[$`\\]/.test(withoutPlaceholders(inner)) ? write(changed) : mixed),
  };
}

/** The end of a value without quotes, and without the space at its end. A comment or the line's end ends it. */
function endOfPlain(text: string, start: number): number {
  let end = start;
  for (let at = start; at < text.length && !/[\r\n]/.test(text.charAt(at)); ) {
    if (text[at] === '#' && (at === start || /[ \t]/.test(text.charAt(at - 1)))) break;
    at = (text.startsWith(marker, at) ? placeholderEnd(text, at) : undefined) ?? at + 1;
    if (!/[ \t]/.test(text.charAt(at - 1))) end = at;
  }
  return end;
}

function endOfQuoted(text: string, start: number, quote: Quote): number {
  for (let at = start + 1; at < text.length; ) {
    if (text[at] === quote) return at + 1;
    if (text[at] === '\\' && quote === '"') at += 2;
    else at = (text.startsWith(marker, at) ? placeholderEnd(text, at) : undefined) ?? at + 1;
  }
  throw new SyntaxProblem(start, 'a quoted value does not end');
}

function withoutPlaceholders(text: string): string {
  let rest = '';
  for (let at = 0; at < text.length; ) {
    const end = text.startsWith(marker, at) ? placeholderEnd(text, at) : undefined;
    if (end === undefined) rest += text.charAt(at);
    at = end ?? at + 1;
  }
  return rest;
}

const mixed = new Unwritable(
  'needs other quotes, in which the variables or escapes beside it would mean something else: give the placeholder a variable of its own',
);
/** Not empty: python-dotenv would take a comment after an empty value for the value. */
const plain = /^[\w./:@%+,=^-]+$/;

function writeInside(value: string, quote: Quote, surroundings: Surroundings): string | Unwritable {
  const joined = withNeighbours(value, surroundings, /[$\\`'"{(]/);
  if (quote === '') return value !== '' && plain.test(joined) ? value : new Unwritable('must be in quotes');
  if (quote === '`') return new Unwritable('is in backticks, in which a shell runs it');
  const problem = quote === "'" ? notInSingle(joined) : notInDouble(joined);
  return problem === undefined ? value : new Unwritable(problem);
}

function write(text: string): string | Unwritable {
  if (notInSingle(text) === undefined) return `'${text}'`;
  const problem = notInDouble(text);
  return problem === undefined ? `"${text}"` : new Unwritable(notHeld(text) ?? problem);
}

function notHeld(value: string): string | undefined {
  if (/[\r\n]/.test(value))
    return 'has a line break, which readers of .env files take in different ways or not at all';
  if (!/^[\p{L}\p{M}\p{N}\p{P}\p{S}\p{Zs}\t]*$/u.test(value)) return 'has a control character';
  return undefined;
}

function notInSingle(value: string): string | undefined {
  if (value.includes("'")) return 'has a single quote and also one of "$`\\, so no quotes suit all readers';
  if (/\\\\|\\$/.test(value)) return 'has backslashes that readers of .env files take in different ways';
  // python-dotenv expands variables in every value.
  if (value.includes('${')) return 'has a ${, which some readers of .env files take for a variable';
  return notHeld(value);
}

function notInDouble(value: string): string | undefined {
  if (/["$`\\]/.test(value))
    return notInSingle(value) ?? 'has one of "$`\\, and double quotes do not suit all readers';
  return notHeld(value);
}
