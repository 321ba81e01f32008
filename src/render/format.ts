import type { Span } from '../documents/form.ts';
import type { FormatName } from './format-names.ts';

/** What every placeholder begins with. */
export const marker = '${secret:';

/** Why a value can't be written at a place. It quotes nothing of the value. */
export class Unwritable {
  readonly reason: string;

  /** @param reason continues "the value", such as `has a line break, which ...` */
  constructor(reason: string) {
    this.reason = reason;
  }
}

/** The text around a placeholder, within its place. */
export interface Surroundings {
  /** The text before it, decoded, with the values of earlier placeholders. */
  readonly before: string;
  /** The text after it, decoded, as the template has it. */
  readonly after: string;
  /** The placeholder's index in the text of the place. */
  readonly index: number;
}

/**
 * A value with the characters right before and after it, if they match `meaningful`: `$` before `{` begins a variable. A
 * placeholder right after it does not count. When its value is written, this value is the text before it.
 */
export function withNeighbours(value: string, { before, after }: Surroundings, meaningful: RegExp): string {
  const [previous, next] = [before.slice(-1), after.startsWith(marker) ? '' : after.slice(0, 1)];
  return (meaningful.test(previous) ? previous : '') + value + (meaningful.test(next) ? next : '');
}

/** A value of a template: a string in JSON, an attribute in XML, a variable in a .env file. */
export interface ValuePlace {
  /** Its range in the template, including quotes. */
  readonly span: Span;
  /** The text that a reader of the format reads there. */
  readonly text: string;
  /** The ranges in the template of parts of `text`; undefined if that can't be told, as among escapes. */
  locate(parts: readonly Span[]): readonly Span[] | undefined;
  /** Writes a value in place of its placeholder, and leaves the rest of the place as it is. */
  inPlace(value: string, surroundings: Surroundings): string | Unwritable;
  /** Writes the whole place anew, for instance with other quotes; undefined if there is no other way. */
  anew?(text: string): string | Unwritable;
  /** Whether a number or a boolean can be written there without quotes. */
  readonly takesTyped?: boolean;
}

/** The parts of a template, found by its format. */
export interface ScannedTemplate {
  readonly places: readonly ValuePlace[];
  /** Comments: placeholders in them stay as they are. */
  readonly comments: readonly Span[];
}

/** {@link ValuePlace.locate} for a place whose characters' positions, and its end, are known. */
export function byOffsets(offsets: readonly number[]): ValuePlace['locate'] {
  return (parts) => parts.map(({ start, end }) => ({ start: offsets[start] ?? 0, end: offsets[end] ?? 0 }));
}

/** {@link ValuePlace.locate} for a place without escapes, from an index on. */
export function byShift(from: number): ValuePlace['locate'] {
  return (parts) => parts.map(({ start, end }) => ({ start: start + from, end: end + from }));
}

/**
 * {@link ValuePlace.locate} for a place with escapes and folded lines. It finds placeholders by their order. That works if
 * the template has as many of them as the text, with the same characters.
 */
export function byOccurrence(template: string, span: Span, text: string): ValuePlace['locate'] {
  const occurrences = [...indexesOf(template.slice(0, span.end), marker, span.start)];
  return (parts) => {
    if (parts.length !== occurrences.length) return undefined;
    const found = parts.map(({ start, end }, index) => {
      const part = text.slice(start, end);
      const from = (occurrences[index] ?? 0) - part.indexOf(marker);
      return template.startsWith(part, from) ? { start: from, end: from + part.length } : undefined;
    });
    return found.every((span) => span !== undefined) ? found : undefined;
  };
}

/** The indexes of a token in a text, from the index `from` on. */
export function* indexesOf(text: string, token: string, from = 0): Generator<number> {
  for (let at = text.indexOf(token, from); at >= 0; at = text.indexOf(token, at + 1)) yield at;
}

/**
 * The index after a placeholder; undefined if it does not end on its line. Formats skip placeholders with it, since a key
 * or a default may hold a character that would end the value.
 */
export function placeholderEnd(text: string, from: number): number | undefined {
  let depth = 0;
  for (let at = from; at < text.length && text[at] !== '\n' && text[at] !== '\r'; at += 1) {
    if (text.startsWith('${', at)) {
      depth += 1;
      at += 1;
    } else if (text[at] === '}') {
      depth -= 1;
      if (depth === 0) return at + 1;
    } else if (text[at] === "'" && (text[at - 1] === '#' || text.startsWith(':-', at - 2))) {
      const [quoted] = /^'(?:[^'\r\n]|'')*'/.exec(text.slice(at)) ?? [];
      if (quoted === undefined) return undefined;
      at += quoted.length - 1;
    }
  }
  return undefined;
}

/** A format of templates. */
export interface Format {
  readonly name: FormatName;
  /** Whether each placeholder needs a filter that says how it is written. */
  readonly needsFilters?: boolean;
  /** Whether everything that is written is ASCII, so that a file's encoding need not be known. */
  writesAscii?(text: string): boolean;
  /** Finds the values of a template. @throws SyntaxProblem if the template is not valid in the format */
  scan(text: string): ScannedTemplate;
}

/** A template is not valid in its format. */
export class SyntaxProblem extends Error {
  override readonly name = 'SyntaxProblem';
  /** Index of the first character that is wrong. */
  readonly index: number;

  /** @param reason never more than a few characters of the template */
  constructor(index: number, reason: string) {
    super(reason);
    this.index = index;
  }
}

const extensions: ReadonlyMap<string, FormatName> = new Map([
  ['json', 'json'],
  ['jsonc', 'json'],
  ['yaml', 'yaml'],
  ['yml', 'yaml'],
  ['xml', 'xml'],
  ['config', 'xml'],
  ['csproj', 'xml'],
  ['fsproj', 'xml'],
  ['vbproj', 'xml'],
  ['nuspec', 'xml'],
  ['plist', 'xml'],
  ['props', 'xml'],
  ['targets', 'xml'],
  ['resx', 'xml'],
  ['xhtml', 'xml'],
  ['xsl', 'xml'],
  ['env', 'env'],
  ['properties', 'properties'],
  ['toml', 'toml'],
  ['ini', 'ini'],
  ['cfg', 'ini'],
]);

/** Parts of file names that say that it is a template, and nothing about its format. */
const templateWords = new Set(['template', 'tmpl', 'tpl', 'example', 'sample', 'dist', 'in']);

/**
 * The format of a file by its name; `text` if the name does not tell. Examples: `appsettings.template.json`,
 * `web.config.tmpl`, `.env.production`.
 */
export function formatOf(path: string): FormatName {
  const name = (path.split(/[\\/]/).at(-1) ?? '').toLowerCase();
  const parts = name.split('.').filter((part, index) => index === 0 || !templateWords.has(part));
  // .env, .env.production and the like, whose last part is the environment's name.
  if (parts.length > 1 && parts[0] === '' && parts[1] === 'env') return 'env';
  const found = parts.length > 1 ? extensions.get(parts.at(-1) ?? '') : undefined;
  return found ?? 'text';
}
