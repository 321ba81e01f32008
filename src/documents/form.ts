import { KeyturnError } from '../errors.ts';
import type { SecretFields } from './fields.ts';

/** The forms of a secret's string, as the tag `keyturn:form` and `KEYTURN_FORM` name them. */
export const formNames = ['json', 'ado-net', 'odbc', 'url', 'libpq', 'jdbc', 'text'] as const;

/** One of {@link formNames}. */
export type FormName = (typeof formNames)[number];

/** Part of a text, from `start` up to `end`. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** Other text in place of a span. */
export interface Edit extends Span {
  readonly text: string;
}

/** A place of the text that holds a field's value. A field has several where it is written more than once. */
export interface Slot {
  readonly field: string;
  /** What stands there, decoded. */
  readonly value: unknown;
  /** All that is replaced: quotes included. */
  readonly span: Span;
  /** A new value as it must stand there. */
  encode(value: unknown): string;
}

/** A text as its form understands it. */
export interface ParsedText {
  readonly form: FormName;
  readonly fields: SecretFields;
  readonly slots: readonly Slot[];
  /** Where fields go that the text does not have yet. @throws InvalidSecretField where the form has no place */
  append(missing: ReadonlyMap<string, unknown>): Edit[];
  /** Characters that known readers of the form get wrong, however they are written. */
  readonly unsafeCharacters: string;
  /** True where the form leaves open which engine is meant, and `engine` is only the likeliest. */
  readonly engineIsGuess?: boolean;
  /** True where the credential is, or is also, in a connection string. */
  readonly isConnectionString?: boolean;
  /** Sensitive values that are in none of the fields. */
  readonly sensitive?: readonly string[];
}

/** The text with edits made, which must not overlap. */
export function applyEdits(text: string, edits: readonly Edit[]): string {
  let out = '';
  let at = 0;
  for (const edit of [...edits].sort((a, b) => a.start - b.start || a.end - b.end)) {
    out += text.slice(at, edit.start) + edit.text;
    at = edit.end;
  }
  return out + text.slice(at);
}

const titles: Readonly<Record<FormName, string>> = {
  json: 'JSON',
  'ado-net': 'an ADO.NET connection string',
  odbc: 'an ODBC connection string',
  url: 'a URL',
  libpq: 'a libpq connection string',
  jdbc: 'a JDBC URL',
  text: 'plain text',
};

/**
 * The error for a text that breaks the rules of its form.
 *
 * @param index of the first character that is wrong
 * @param reason what is wrong with it; never a part of the text
 */
export function malformed(form: FormName, index: number, reason: string): KeyturnError {
  return new KeyturnError(
    'MalformedSecret',
    `The secret's value, read as ${titles[form]}, is malformed at character ${index + 1}: ${reason}.`,
    'Correct the secret, or name its form with the tag keyturn:form.',
  );
}

/** A value for a connection string. @throws InvalidSecretField for what no connection string can hold */
export function textOf(field: string, value: unknown): string {
  const text = typeof value === 'number' || typeof value === 'boolean' ? String(value) : value;
  // C ends a string at a NUL, and .NET's parser stops there: https://www.postgresql.org/docs/current/libpq-connect.html
  if (typeof text === 'string' && !text.includes('\0') && text.isWellFormed()) return text;
  throw notHeld(field, 'must be text without NUL or broken characters to stand in a connection string');
}

/** The error for a field that a form can't hold. */
export function notHeld(field: string, problem: string): KeyturnError {
  return new KeyturnError(
    'InvalidSecretField',
    `The secret's "${field}" ${problem}.`,
    'Keep the secret in a form that can hold it, such as JSON.',
    { field },
  );
}
