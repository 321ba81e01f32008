import { KeyturnError } from '../errors.ts';
import type { SecretFields } from './fields.ts';

/** The forms of a secret's string, as the tag `keyturn:form` and `KEYTURN_FORM` name them. */
export const formNames = [
  'json',
  'env',
  'ado-net',
  'odbc',
  'url',
  'libpq',
  'jdbc',
  'stackexchange-redis',
  'text',
] as const;

/** One of {@link formNames}. */
export type FormName = (typeof formNames)[number];

/** Part of a text, from `start` up to `end`. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** A span of a text, and the text to put in its place. */
export interface Edit extends Span {
  readonly text: string;
}

/** A place of the text that holds a field's value. A field has several if it is written more than once. */
export interface Slot {
  readonly field: string;
  /** What stands there, decoded. */
  readonly value: unknown;
  /** What is replaced, quotes included. */
  readonly span: Span;
  /** Writes a new value as it must stand there. @throws InvalidSecretField for a value that can't stand there */
  encode(value: unknown): string;
  /** The form of the connection string or plain text that holds the place. Absent for a value of JSON or of KEY=value lines. */
  readonly form?: FormName;
  /** Encodes for the connection string alone, and not for the text around it. Absent if there is no text around it. */
  encodeInForm?(value: unknown): string;
}

/** A value that is not a place of the credential, but may hold a copy of it. */
export interface OtherValue {
  /** Where it is, to be shown to people: a name, or names with dots between them. */
  readonly path: string;
  readonly value: string;
}

/** A text within another one, such as a connection string in JSON. */
export interface Embedding {
  readonly path: string;
  readonly text: string;
  /** Where each UTF-16 unit stands in the outer text. The last offset is the end of the inner text. */
  readonly offsets: readonly number[];
  /** Writes a piece of text as it must stand in the outer text. */
  encode(text: string): string;
}

/** A text as its form understands it. */
export interface ParsedText {
  readonly form: FormName;
  readonly fields: SecretFields;
  readonly slots: readonly Slot[];
  /** Where to write fields that the text does not have yet. @throws InvalidSecretField if the form has no place */
  append(missing: ReadonlyMap<string, unknown>): Edit[];
  /**
   * Characters that must be quoted, escaped or encoded in this form, or that known readers of it get wrong. A new password
   * should have none of them.
   */
  readonly unsafeCharacters: string;
  /** True if the form does not tell the engine, and `engine` is only the likeliest. */
  readonly engineIsGuess?: boolean;
  /** True if the secret itself names its `engine`. Then no tag overrides it. */
  readonly engineIsStated?: boolean;
  /** True if a place of the credential is in a connection string. If absent, the form tells. */
  readonly isConnectionString?: boolean;
  /** Sensitive values that are not fields. */
  readonly sensitive?: readonly string[];
  /** The values that are no places of the credential, but may hold a copy of it. */
  readonly others: readonly OtherValue[];
  /** Values that may be connection strings themselves. */
  readonly inner?: readonly Embedding[];
  /** Why the credential can't be rotated, although it can be read. */
  readonly refusal?: KeyturnError | undefined;
}

const mostPathsListed = 10;
const mostPathCharacters = 200;

/** Paths for a message, in quotes. A secret can have thousands of them, of any length, so only the first ones are named. */
export function listPaths(paths: readonly string[]): string {
  const listed = paths.slice(0, mostPathsListed).map((path) => JSON.stringify(shortened(path)));
  const left = paths.length - listed.length;
  return listed.join(', ') + (left === 0 ? '' : ` and ${left} more`);
}

function shortened(path: string): string {
  return path.length <= mostPathCharacters ? path : `${path.slice(0, mostPathCharacters)}...`;
}

/** Turns a slot of an embedded text into a slot of the outer text. */
export function outerSlot(embedding: Embedding): (slot: Slot) => Slot {
  return (slot) => ({
    ...slot,
    span: outerSpan(embedding, slot.span),
    encode: (value) => embedding.encode(slot.encode(value)),
    encodeInForm: (value) => (slot.encodeInForm ?? slot.encode)(value),
  });
}

/** Turns edits of an embedded text into edits of the outer text. */
export function outerEdits(embedding: Embedding, edits: readonly Edit[]): Edit[] {
  return edits.map((edit) => ({ ...outerSpan(embedding, edit), text: embedding.encode(edit.text) }));
}

function outerSpan({ offsets }: Embedding, { start, end }: Span): Span {
  const last = offsets.at(-1) ?? 0;
  return { start: offsets[start] ?? last, end: offsets[end] ?? last };
}

/** An embedding within an embedded text, as an embedding in the outermost text. */
export function nest(outer: Embedding, inner: Embedding): Embedding {
  const last = outer.offsets.at(-1) ?? 0;
  return {
    path: `${outer.path}.${inner.path}`,
    text: inner.text,
    offsets: inner.offsets.map((offset) => outer.offsets[offset] ?? last),
    encode: (text) => outer.encode(inner.encode(text)),
  };
}

/** Makes edits, which must not overlap, and returns the new text. */
export function applyEdits(text: string, edits: readonly Edit[]): string {
  let out = '';
  let at = 0;
  for (const edit of [...edits].sort((a, b) => a.start - b.start || a.end - b.end)) {
    out += text.slice(at, edit.start) + edit.text;
    at = edit.end;
  }
  return out + text.slice(at);
}

/** The names of the forms in messages. */
export const formTitles: Readonly<Record<FormName, string>> = {
  json: 'JSON',
  env: 'KEY=value lines',
  'ado-net': 'an ADO.NET connection string',
  odbc: 'an ODBC connection string',
  url: 'a URL',
  libpq: 'a libpq connection string',
  jdbc: 'a JDBC URL',
  'stackexchange-redis': 'a configuration of StackExchange.Redis',
  text: 'plain text',
};

/**
 * The error for a text that breaks the rules of its form.
 *
 * @param index of the first character that is wrong
 * @param reason what is wrong with it. It must have no part of the text
 */
export function malformed(form: FormName, index: number, reason: string): KeyturnError {
  return new KeyturnError(
    'MalformedSecret',
    `The secret's value, read as ${formTitles[form]}, is malformed at character ${index + 1}: ${reason}.`,
    'Correct the secret, or name its form with the tag keyturn:form.',
  );
}

/** A value as text for a connection string. @throws InvalidSecretField for a value that no connection string can hold */
export function connectionText(field: string, value: unknown): string {
  const text = typeof value === 'number' || typeof value === 'boolean' ? String(value) : value;
  // C ends a string at a NUL, and .NET's parser stops there: https://www.postgresql.org/docs/current/libpq-connect.html
  if (typeof text === 'string' && !text.includes('\0') && text.isWellFormed()) return text;
  throw notHeld(field, 'must be text without NUL or broken characters to stand in a connection string');
}

/** The refusal of a secret that can be read, but not rotated. */
export function refused(field: string, problem: string, remedy: string): KeyturnError {
  return new KeyturnError('InvalidSecretField', problem, remedy, { field });
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
