import { fold } from './fold.ts';
import { createSearch, type Range } from './search.ts';
import { isCommon, type Role, type Sensitive, shortestUnknownSecret } from './sensitive.ts';

/** What is known of a secret, or of a value that was learned by itself. */
export interface Learned {
  readonly sensitive: readonly Sensitive[];
  /** What of it is not secret. */
  readonly harmless: readonly string[];
}

/** What a redactor goes by, made of all that it was told. */
export interface Knowledge {
  /** The parts of a text to mask; undefined for all of it. */
  search(text: string): readonly Range[] | undefined;
  /** Whether some credential can't be masked where it stands. */
  readonly withholds: boolean;
  /** Common values of fields that hold no credential, as far as anybody knows: masked in others' texts, as words. */
  readonly words: RegExp | undefined;
  /** Whether a name is a common value. */
  isCommonValue(name: string): boolean;
}

interface Value {
  readonly text: string;
  readonly folded: string;
  readonly role: Role;
  readonly isCommon: boolean;
  /** It is what its own secret tells everybody, such as its account's name, or is part of what was published. */
  readonly isPublic: boolean;
}

/** @param published texts that everybody may read */
export function createKnowledge(learned: readonly Learned[], published: readonly string[]): Knowledge {
  const open = published.map((text) => fold(text).text);
  const values = new Map<string, Value>();
  const readable = new Set(published);
  for (const { sensitive, harmless } of learned) {
    const own = sensitive.map((one) => judge(one, harmless, open));
    for (const value of own) values.set(value.text, merged(value, values.get(value.text)));
    // A host that has a password in it is none that everybody may read. But another secret's password makes no
    // difference: whoever writes this one could find it by trying.
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

function judge({ text, role }: Sensitive, harmless: readonly string[], open: readonly string[]): Value {
  const folded = fold(text).text;
  const isWhole = role === 'whole';
  return {
    text,
    folded,
    role,
    isCommon: !isWhole && isCommon(text),
    isPublic:
      !isWhole &&
      (open.some((one) => one.includes(folded)) || harmless.some((one) => fold(one).text === folded)),
  };
}

const weight: Readonly<Record<Role, number>> = { credential: 2, other: 1, whole: 0 };

/** What is one thing here and another there. */
function merged(value: Value, before: Value | undefined): Value {
  if (before === undefined) return value;
  const { role } = weight[before.role] > weight[value.role] ? before : value;
  return {
    ...value,
    role,
    isCommon: value.isCommon || before.isCommon,
    isPublic: value.isPublic || before.isPublic,
  };
}

/** Where a text that everybody may read stands in another. */
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
