import { readDocument, type SecretDocument } from './documents/document.ts';
import type { SecretFields } from './documents/fields.ts';
import type { KeyturnError } from './errors.ts';
import { mask, maskedMessage, maskInPlace, maskValue, publicError } from './redaction/errors.ts';
import { createKnowledge, type Knowledge, type Learned } from './redaction/knowledge.ts';
import { maskRanges } from './redaction/search.ts';
import { harmlessIn, type Role, type Sensitive, sensitiveIn } from './redaction/sensitive.ts';

export { sensitiveValues } from './redaction/sensitive.ts';

/** How many characters are shown at most: of a text that others have written, and of any text. */
const mostForeign = 1_000;
const mostText = 16_384;

/**
 * Credentials that are found by their form, though their values are not known: password hashes, with which one can log in
 * or search for the password, and credentials in HTTP headers and URLs.
 */
const credentialForms: readonly RegExp[] = [
  /SCRAM-SHA-\d+\$\d+:[\w+/=]+(?:\$[\w+/=]+:[\w+/=]+)?/g,
  /\bmd5[0-9a-f]{32}\b/gi,
  /\*[0-9A-F]{40}\b/g,
  /\b0x0[12]00[0-9a-f]{40,}\b/gi,
  /(?<=\b(?:Basic|Bearer|Negotiate)\s+)(?=\S*[\d=+/])\S{8,}/gi,
  /(?<=\b[a-z][a-z0-9+.-]{1,20}:\/\/)[^\s/@:]{0,200}:[^\s/@]{1,200}(?=@)/gi,
];

/** Stands for a text in which a value can't be masked. */
const withheld = `${mask} (not told: a value of the secret is too short or too common to be masked in it)`;

/**
 * Masks secret values in logs, errors, metrics and traces.
 *
 * A value of six characters or more is masked in every readable form: plain, in another case, quoted, escaped, encoded
 * (also several times over), as bytes, and in parts, since servers cut texts off.
 *
 * A shorter value, a word, a number or a common name stands in unrelated texts too. Masking it there would reveal it to
 * whoever knows the text: a client secret `secret` is a part of every ARN. So it is never masked in Keyturn's own texts,
 * which hold no value. While such a credential is known, texts of others are not shown at all.
 */
export interface Redactor {
  /** Adds texts that everybody may read, such as the secret's ARN. Nothing in them can be kept secret. */
  publish(...texts: readonly string[]): void;
  /** Adds the sensitive values of a secret. */
  learn(fields: SecretFields): void;
  /** Adds the sensitive values of a document, parsed and as written in its text. */
  learnDocument(document: Pick<SecretDocument, 'fields' | 'sensitive'>): void;
  /** Adds a secret's whole string. Only the whole is masked, since parts of it are not secret. */
  learnText(text: string): void;
  /** Adds the sensitive values of a secret's string, in any form; the whole string if its form is unknown. */
  learnSecret(text: string): void;
  /** Adds one credential. */
  learnValue(value: string): void;
  /** Masks a text of Keyturn's own. */
  text(text: string): string;
  /**
   * Masks a text that others have written: a server, a driver, Node.js. Only its first 1,000 characters are shown.
   * Otherwise, whoever writes such texts and reads the log could find a value by trying many.
   */
  foreign(text: string): string;
  /** Whether a credential is known that is too short or too common to be masked. */
  withholds(): boolean;
  /** The message of anything thrown: masked by `text` if it is Keyturn's or an adapter's, else by `foreign`. */
  describe(thrown: unknown): string;
  /** A copy of a value, nested objects and lists included, with its strings and names masked. */
  value(value: unknown): unknown;
  /** Masks an error and its causes in place. @returns the error, or a copy if it can't be changed */
  error(error: unknown): unknown;
  /** Makes the masked error that may leave the function, of anything thrown in it. Never throws. */
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
    describe: (thrown) => maskedMessage(thrown, masking),
    value: (input) => maskValue(input, text),
    error: (error) => maskInPlace(error, masking),
    publicError: (thrown) => publicError(thrown, masking),
  };
}
