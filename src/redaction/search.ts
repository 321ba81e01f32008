import { type Folded, fold } from './fold.ts';
import type { View } from './view.ts';
import { viewsOf } from './views.ts';
import { isExpectedWord } from './words.ts';

/** A value to be masked. */
export interface SearchedValue {
  readonly text: string;
  /** Whether parts of it are masked. Not for a secret's whole string: its sensitive values are searched by themselves. */
  readonly inParts: boolean;
}

/** Part of a text, from `start` up to `end`. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** A form of a value that is searched in decoded texts. */
interface Pattern {
  readonly folded: Folded;
  /** The fewest folded characters that are masked. */
  readonly least: number;
  /** The characters that folding has dropped at its start and its end. */
  readonly before: string;
  readonly after: string;
}

/** A shorter value (in folded characters) may occur anywhere by chance: see redact.ts. */
export const shortestValue = 6;
/** A part of this length is masked, whatever the length of the value. */
const longestLeast = 8;
/** Digits with a quote or a plus between them. They are no number, but folding would make one of them. */
const brokenNumber = /\d["'`\\+]+\d/;
const seedLength = 3;
/** In how many places of a pattern one seed is tried. Only values that repeat themselves have more. */
const mostPlaces = 8;

/** Finds values in a text, in any form. @returns the ranges to mask; undefined: mask the whole text */
export type Search = (text: string) => readonly Range[] | undefined;

/**
 * Prepares a search for values. Its time grows with the sum of the values' and the text's lengths, not with their product.
 *
 * @param known texts that everybody may read: a part of a value that occurs in one is not masked
 */
export function createSearch(values: readonly SearchedValue[], known: readonly string[]): Search {
  const publicTexts = known.map((text) => fold(text).text);
  const patterns = patternsOf(values.filter(({ inParts }) => inParts));
  const wholes = patternsOf(values.filter(({ inParts }) => !inParts));
  const seeds = indexBySeed(patterns);

  const isHarmless = (part: string): boolean =>
    isExpected(part) || publicTexts.some((text) => text.includes(part));

  const searchView = (view: View, found: Range[]): void => {
    const folded = fold(view.text);
    const { text } = folded;
    let floor = 0;
    for (let at = 0; at + seedLength <= text.length; at += 1) {
      let furthest = at;
      for (const { pattern, place } of seeds.get(text.slice(at, at + seedLength)) ?? []) {
        const value = pattern.folded.text;
        let before = 0;
        while (before < Math.min(at - floor, place) && text[at - before - 1] === value[place - before - 1])
          before += 1;
        let after = seedLength;
        while (place + after < value.length && text[at + after] === value[place + after]) after += 1;
        if (before + after < pattern.least) continue;
        const isStart = place === before;
        const isEnd = place + after === value.length;
        const raw = view.text.slice(folded.from[at - before], folded.to[at + after - 1]);
        const isAllOfIt = isStart && isEnd;
        if (!isAllOfIt && !brokenNumber.test(raw) && isHarmless(value.slice(place - before, place + after)))
          continue;
        found.push(
          rangeIn(
            view,
            folded,
            at - before,
            at + after,
            isStart ? pattern.before : '',
            isEnd ? pattern.after : '',
          ),
        );
        furthest = Math.max(furthest, at + after);
      }
      // Another part may begin within the last few characters.
      const next = furthest - longestLeast;
      if (next > at) {
        at = next - 1;
        floor = next;
      }
    }
    for (const { folded: value } of wholes) {
      for (let at = text.indexOf(value.text); at >= 0; at = text.indexOf(value.text, at + value.text.length))
        found.push(rangeIn(view, folded, at, at + value.text.length, '', ''));
    }
  };

  return (text) => {
    const views = viewsOf(text);
    if (views === undefined) return undefined;
    const found: Range[] = [];
    for (const view of views) searchView(view, found);
    return found;
  };
}

/** Replaces ranges of a text by the mask. Overlapping ranges count as one. */
export function maskRanges(text: string, ranges: readonly Range[], mask: string): string {
  let out = '';
  let at = 0;
  for (const { start, end } of [...ranges].sort((one, other) => one.start - other.start)) {
    if (end <= at) continue;
    if (start >= at) out += text.slice(at, start) + mask;
    at = end;
  }
  return out + text.slice(at);
}

/** The range of a match in the original text, with the quotes and spaces that belong to the value. */
function rangeIn(
  view: View,
  folded: Folded,
  start: number,
  end: number,
  before: string,
  after: string,
): Range {
  let first = folded.from[start] ?? 0;
  let last = (folded.to[end - 1] ?? 1) - 1;
  // Each of them may be doubled, or behind a backslash.
  const isOf = (border: string, at: number): boolean => {
    const character = view.text.charAt(at);
    return character !== '' && (border.includes(character) || character === '\\');
  };
  for (let left = 2 * before.length; left > 0 && isOf(before, first - 1); left -= 1) first -= 1;
  for (let left = 2 * after.length; left > 0 && isOf(after, last + 1); left -= 1) last += 1;
  return { start: view.from[first] ?? 0, end: view.to[last] ?? 0 };
}

/**
 * Indexes patterns by their seeds: three characters at every few places, so that each part which is long enough to be
 * masked holds one.
 */
function indexBySeed(patterns: readonly Pattern[]): Map<string, { pattern: Pattern; place: number }[]> {
  const seeds = new Map<string, { pattern: Pattern; place: number }[]>();
  for (const pattern of patterns) {
    const places = new Map<string, number>();
    const { text } = pattern.folded;
    const step = pattern.least - seedLength + 1;
    for (let place = 0; place + seedLength <= text.length; place += step) {
      const seed = text.slice(place, place + seedLength);
      const count = places.get(seed) ?? 0;
      if (count === mostPlaces) continue;
      places.set(seed, count + 1);
      const planted = seeds.get(seed);
      if (planted === undefined) seeds.set(seed, [{ pattern, place }]);
      else planted.push({ pattern, place });
    }
  }
  return seeds;
}

/** The forms of the values, each once. */
function patternsOf(values: readonly SearchedValue[]): Pattern[] {
  const found = new Map<string, Pattern>();
  for (const { text } of values) {
    for (const pattern of formsOf(text)) {
      const same = found.get(pattern.folded.text);
      const borders = ({ before, after }: Pattern): number => before.length + after.length;
      // The same value may be quoted in another secret: keep the one with the quotes.
      if (same === undefined || borders(same) < borders(pattern)) found.set(pattern.folded.text, pattern);
    }
  }
  return [...found.values()];
}

/** A value as text, and as bytes shown as text. If it is base64 or hexadecimal, also the bytes it encodes. */
function formsOf(value: string): Pattern[] {
  // The lines around a PEM are not secret.
  const forms = new Set([value.replace(/-----(?:BEGIN|END) [A-Z0-9 ]{1,40}-----/g, '')]);
  if (/[^\0-\x7f]/.test(value)) {
    const wide = Buffer.from(value, 'utf16le');
    forms.add(Buffer.from(value).toString('latin1'));
    forms.add(wide.toString('latin1'));
    forms.add(wide.swap16().toString('latin1'));
  }
  if (/^[A-Za-z0-9+/_-]{16,}={0,2}$/.test(value)) forms.add(Buffer.from(value, 'base64').toString('latin1'));
  if (/^(?:[0-9a-f]{2}){8,}$/i.test(value)) forms.add(Buffer.from(value, 'hex').toString('latin1'));
  return [...forms].flatMap((text) => {
    const folded = fold(text);
    const { length } = folded.text;
    if (length < shortestValue) return [];
    const least = Math.min(longestLeast, Math.max(shortestValue, Math.ceil((length * 2) / 3)));
    const before = text.slice(0, folded.from[0]);
    const after = text.slice(folded.to.at(-1));
    return [{ folded, least, before, after }];
  });
}

/**
 * Whether a part of a value may occur in any message: a word, such as `password` of `password123!`, or a number such as a
 * year. Masking it there would reveal that it is a part of the value.
 */
function isExpected(part: string): boolean {
  const word = part.replace(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu, '');
  return part.length - word.length <= 2 && (isExpectedWord(word) || /^\d{1,7}$/.test(word));
}
