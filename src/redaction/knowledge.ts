import { fold } from './fold.ts';
import { createSearch, type Range } from './search.ts';
import { isCommon, type Role, type Sensitive, shortestUnknownSecret } from './sensitive.ts';

/** The values of one secret, or one value that was learned by itself. */
export interface Learned {
  readonly sensitive: readonly Sensitive[];
  /** Its values that are not secret. */
  readonly harmless: readonly string[];
}

/** Everything that a redactor knows, prepared for masking. */
export interface Knowledge {
  /** The ranges of a text to mask; undefined: the whole text. */
  search(text: string): readonly Range[] | undefined;
  /** Whether a credential is known that can't be masked. */
  readonly withholds: boolean;
  /** Common values of fields that are not known to hold a credential. Masked as whole words in texts of others. */
  readonly words: RegExp | undefined;
  /** Whether a name is a common value. */
  isCommonValue(name: string): boolean;
}

interface Value {
  readonly text: string;
  readonly folded: string;
  readonly role: Role;
  readonly isCommon: boolean;
  /** Whether it is a public value of its own secret, such as the account's name, or a part of a published text. */
  readonly isPublic: boolean;
}

/**
 * Prepares what was learned for masking.
 *
 * @param published texts that everybody may read
 */
export function createKnowledge(learned: readonly Learned[], published: readonly string[]): Knowledge {
  const publicTexts = published.map((text) => fold(text).text);
  const values = new Map<string, Value>();
  const readable = new Set(published);
  for (const { sensitive, harmless } of learned) {
    const own = sensitive.map((one) => classifyValue(one, harmless, publicTexts));
    for (const value of own) values.set(value.text, mergeValues(value, values.get(value.text)));
    // A host that contains this secret's own password is not public. Another secret's password does not count: otherwise the
    // writer of this secret could find it by trying hosts.
    const secret = own.filter(
      ({ role, isCommon, isPublic }) => role === 'credential' && !isCommon && !isPublic,
    );
    for (const text of harmless) {
      const folded = fold(text).text;
      if (!secret.some((value) => folded.includes(value.folded))) readable.add(text);
    }
  }
  const all = [...values.values()];
  const masked = all.filter(({ isCommon, isPublic }) => !isCommon && !isPublic);
  const known = [...readable];
  const find = createSearch(
    masked.map(({ text, role }) => ({ text, inParts: role !== 'whole' })),
    known,
  );
  const words = all.filter(
    ({ role, text, isCommon, isPublic }) =>
      role === 'other' && isCommon && !isPublic && text.length >= shortestUnknownSecret,
  );
  const common = new Set(all.filter(({ isCommon }) => isCommon).map(({ folded }) => folded));
  return {
    search: (text) => {
      const found = find(text);
      if (found === undefined || found.length === 0) return found;
      const places = known.flatMap((one) => placesOf(one, text));
      return found.filter(
        (range) => !places.some(({ start, end }) => start <= range.start && range.end <= end),
      );
    },
    withholds: all.some(({ role, isCommon, isPublic }) => role === 'credential' && (isCommon || isPublic)),
    words: anyOf(words.map(({ text }) => text)),
    isCommonValue: (name) => common.has(fold(name).text),
  };
}

function classifyValue(
  { text, role }: Sensitive,
  harmless: readonly string[],
  publicTexts: readonly string[],
): Value {
  const folded = fold(text).text;
  const isWhole = role === 'whole';
  return {
    text,
    folded,
    role,
    isCommon: !isWhole && isCommon(text),
    isPublic:
      !isWhole &&
      (publicTexts.some((one) => one.includes(folded)) || harmless.some((one) => fold(one).text === folded)),
  };
}

const weight: Readonly<Record<Role, number>> = { credential: 2, other: 1, whole: 0 };

/** Merges what two secrets say about the same text: the stronger role wins. */
function mergeValues(value: Value, before: Value | undefined): Value {
  if (before === undefined) return value;
  const { role } = weight[before.role] > weight[value.role] ? before : value;
  return {
    ...value,
    role,
    isCommon: value.isCommon || before.isCommon,
    isPublic: value.isPublic || before.isPublic,
  };
}

/** Where a known text occurs in another. */
function placesOf(known: string, text: string): Range[] {
  const found: Range[] = [];
  if (known === '') return found;
  for (let start = text.indexOf(known); start >= 0; start = text.indexOf(known, start + known.length))
    found.push({ start, end: start + known.length });
  return found;
}

function anyOf(words: readonly string[]): RegExp | undefined {
  if (words.length === 0) return undefined;
  const escaped = words.map((word) => word.replace(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`));
  return new RegExp(String.raw`(?<![\p{L}\p{N}])(?:${escaped.join('|')})(?![\p{L}\p{N}])`, 'giu');
}
