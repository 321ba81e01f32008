import { readDocument, type SecretDocument } from './documents/document.ts';
import type { SecretFields } from './documents/fields.ts';
import type { KeyturnError } from './errors.ts';
import { mask, maskInPlace, maskValue, publicError, wordsOf } from './redaction/errors.ts';
import { createKnowledge, type Knowledge, type Learned } from './redaction/knowledge.ts';
import { maskRanges } from './redaction/search.ts';
import { harmlessIn, type Role, type Sensitive, sensitiveIn } from './redaction/sensitive.ts';

export { sensitiveValues } from './redaction/sensitive.ts';

/** Most characters that are told of a text that somebody else has written, and of any text. */
const mostForeign = 1_000;
const mostText = 16_384;

/**
 * Credentials that nobody has told: what a server stores of a password, which can stand for it or be searched for it,
 * and what a request or a URL carries.
 */
const credentialForms: readonly RegExp[] = [
  /SCRAM-SHA-\d+\$\d+:[\w+/=]+(?:\$[\w+/=]+:[\w+/=]+)?/g,
  /\bmd5[0-9a-f]{32}\b/gi,
  /\*[0-9A-F]{40}\b/g,
  /\b0x0[12]00[0-9a-f]{40,}\b/gi,
  /(?<=\b(?:Basic|Bearer|Negotiate)\s+)(?=\S*[\d=+/])\S{8,}/gi,
  /(?<=\b[a-z][a-z0-9+.-]{1,20}:\/\/)[^\s/@:]{0,200}:[^\s/@]{1,200}(?=@)/gi,
];

/** In place of a text in which a value can't be masked. */
const withheld = `${mask} (not told: a value of the secret is too short or too common to be masked in it)`;

/**
 * Keeps secret values out of whatever is told.
 *
 * A value is masked in every form in which it can be read: plain, in another case, quoted, escaped, encoded (also several
 * times over), as bytes, and in parts, as a server echoes it that cuts texts off. That holds for values of six
 * characters or more.
 *
 * A value that is shorter, a word, a number or a name that everybody knows stands in texts that have nothing to do with
 * it. Masking it would tell it to whoever knows the text: a client secret `secret` is a part of every ARN. So it is
 * never masked in what Keyturn writes, which has no value in it. What somebody else has written is not told at all as
 * long as such a credential is known, whatever stands in it.
 */
export interface Redactor {
  /** Adds texts that everybody may read, such as the secret's ARN: what they hold can not be kept secret. */
  publish(...texts: readonly string[]): void;
  /** Adds the sensitive values of a secret. */
  learn(fields: SecretFields): void;
  /** Adds the sensitive values of a document, also as they stand in its text. */
  learnDocument(document: Pick<SecretDocument, 'fields' | 'sensitive'>): void;
  /** Adds the whole string of a secret, which is masked as a whole only: much of it is not secret. */
  learnText(text: string): void;
  /** Adds what is sensitive in a secret's string, in whatever form it is: all of it, where the form is not known. */
  learnSecret(text: string): void;
  /** Adds one credential. */
  learnValue(value: string): void;
  /** Masks what Keyturn has written, which may hold what it was given. */
  text(text: string): string;
  /**
   * Masks what somebody else has written: a server, a driver, Node.js. Of a long text only the first 1,000 characters
   * are told, so that whoever writes one and reads the log can't find a value by trying many.
   */
  foreign(text: string): string;
  /** Whether a credential is known that is too short or too common to be masked. */
  withholds(): boolean;
  /** What was thrown says, masked as `text` does where Keyturn or an adapter says it, and else as `foreign` does. */
  describe(thrown: unknown): string;
  /** A copy of a value (nested objects and lists included) with its strings and names masked. */
  value(value: unknown): unknown;
  /** Masks an error and its causes in place. @returns the error, or a copy where it can't be changed */
  error(error: unknown): unknown;
  /** The error that may be thrown to whoever called the function, for whatever was thrown in it. Never throws. */
  publicError(thrown: unknown): KeyturnError;
}

function cut(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most)} ... (${text.length - most} more characters)`;
}

/** A redactor that knows nothing yet. */
export function createRedactor(): Redactor {
  const learned: Learned[] = [];
  const published: string[] = [];
  let known: Knowledge | undefined;

  const add = (one: Learned): void => {
    learned.push(one);
    known = undefined;
  };
  const learn = (fields: SecretFields, sensitive: readonly string[] = []): void => {
    const others = sensitive
      .filter((text) => text !== '')
      .map((text): Sensitive => ({ text, role: 'other' }));
    add({ sensitive: [...sensitiveIn(fields), ...others], harmless: harmlessIn(fields) });
  };
  const addValue = (text: string, role: Role): void => {
    if (text !== '') add({ sensitive: [{ text, role }], harmless: [] });
  };
  const learnDocument: Redactor['learnDocument'] = ({ fields, sensitive }) => learn(fields, sensitive);
  const learnText = (one: string): void => addValue(one, 'whole');
  const learnValue = (one: string): void => addValue(one, 'credential');
  const learnSecret = (one: string): void => {
    try {
      learnDocument(readDocument(one, { rotatorIsNamed: true }));
      learnText(one);
    } catch {
      learnValue(one);
    }
  };
  const knowledge = (): Knowledge => {
    known ??= createKnowledge(learned, published);
    return known;
  };

  const text = (input: string): string => {
    if (learned.length === 0) return input;
    const told = cut(input, mostText);
    const found = knowledge().search(told);
    return found === undefined ? mask : maskRanges(told, found, mask);
  };
  const foreign = (input: string): string => {
    const { withholds, words } = knowledge();
    if (withholds) return withheld;
    let told = text(cut(input, mostForeign));
    for (const form of credentialForms) told = told.replace(form, mask);
    return words === undefined ? told : told.replace(words, mask);
  };
  const label = (input: string): string => {
    const told = text(input);
    if (told !== input) return told;
    if (knowledge().isCommonValue(input)) return mask;
    return /^[\w$.-]{0,64}$/.test(input) ? input : foreign(input);
  };
  const masking = { text, foreign, label };

  return {
    publish: (...texts) => {
      published.push(...texts);
      known = undefined;
    },
    learn: (fields) => learn(fields),
    learnDocument,
    learnText,
    learnSecret,
    learnValue,
    text,
    foreign,
    withholds: () => knowledge().withholds,
    describe: (thrown) => wordsOf(thrown, masking),
    value: (input) => maskValue(input, text),
    error: (error) => maskInPlace(error, masking),
    publicError: (thrown) => publicError(thrown, masking),
  };
}
