import type { SecretDocument } from './documents/document.ts';
import type { SecretFields } from './documents/fields.ts';

/**
 * What of AWS's secret structure, of connection strings and of OAuth's clients is not secret, in lower case and without
 * separators.
 * Every other value of a secret is treated as sensitive.
 */
const harmlessFields = new Set([
  'engine',
  'host',
  'port',
  'username',
  'dbname',
  'ssl',
  'masterarn',
  'dbinstanceidentifier',
  'dbclusteridentifier',
  'alternatingusers',
  'sslservername',
  'applicationintent',
  'applicationname',
  'authentication',
  'authsource',
  'clientid',
  'columnencryptionsetting',
  'currentschema',
  'driver',
  'encrypt',
  'expiresat',
  'failoverpartner',
  'hostnameincertificate',
  'hosts',
  'introspectionendpoint',
  'issuer',
  'multisubnetfailover',
  'registrationclienturi',
  'replicaset',
  'revocationendpoint',
  'scope',
  'servercertificate',
  'sslmode',
  'sslrootcert',
  'targetsessionattrs',
  'tokenendpoint',
  'tokenendpointauthmethod',
  'trustservercertificate',
]);

/** Below this length (characters) a value of an unknown field is a flag or a word, not a credential. */
const shortestUnknownSecret = 6;
const mask = '[redacted]';

/** Replaces every secret value it was told of, in whatever text passes through it. */
export interface Redactor {
  /** Adds the sensitive values of a secret. */
  learn(fields: SecretFields): void;
  /** Adds the sensitive values of a document, also as they stand in its text. */
  learnDocument(document: Pick<SecretDocument, 'fields' | 'sensitive'>): void;
  /** Adds one sensitive value. */
  learnValue(value: string): void;
  /** The text with every known value masked, also where it stands encoded for JSON or a URL. */
  text(text: string): string;
  /** A copy of a value (nested objects and lists included) with its strings masked. */
  value(value: unknown): unknown;
  /** The error itself, with message, stack and causes masked in place. */
  error<E>(error: E): E;
}

/** Fewer characters of base64 than these can be somewhere by chance. */
const shortestBase64 = 6;

/**
 * A text as base64, and those characters that depend on it alone where it is a part of something longer, as a password
 * is of the user and password of HTTP's Basic authentication: there it begins at any of three places.
 */
function base64Of(text: string): string[] {
  const bytes = Buffer.from(text);
  const parts = [0, 1, 2].map((before) => {
    const whole = Buffer.concat([Buffer.alloc(before), bytes]);
    const encoded = whole.toString('base64url');
    return encoded.slice(Math.ceil((before * 4) / 3), Math.floor((whole.length * 4) / 3));
  });
  const long = parts.filter(({ length }) => length >= shortestBase64);
  const standard = long.map((part) => part.replaceAll('-', '+').replaceAll('_', '/'));
  return [bytes.toString('base64'), ...long, ...standard];
}

/** All that a secret value may look like: plain, or encoded for JSON, a URL, a form, SQL or base64. */
export function encodingsOf(value: string): string[] {
  const json = JSON.stringify(value).slice(1, -1);
  // A lone surrogate can't be URL-encoded, and so can't stand in a URL either.
  const url = value.isWellFormed() ? encodeURIComponent(value) : value;
  const sql = value.replaceAll("'", "''");
  return [value, json, url, url.replaceAll('%20', '+'), sql, ...base64Of(value)];
}

function* textsIn(value: unknown, shortest: number): Generator<string> {
  if (typeof value === 'string') {
    if (value.length >= shortest) yield value;
  } else if (typeof value === 'object' && value !== null) {
    for (const part of Object.values(value)) yield* textsIn(part, shortest);
  }
}

function* sensitiveFields(fields: SecretFields): Generator<string> {
  for (const [field, part] of Object.entries(fields)) {
    if (harmlessFields.has(field.toLowerCase().replace(/[\s_-]/g, ''))) continue;
    yield* textsIn(part, field === 'password' ? 1 : shortestUnknownSecret);
  }
}

/** What of a document must be shown nowhere, also as it stands in the text. */
export function sensitiveValues({
  fields,
  sensitive,
}: Pick<SecretDocument, 'fields' | 'sensitive'>): string[] {
  return [...sensitiveFields(fields), ...sensitive];
}

/** A redactor that knows nothing yet. */
export function createRedactor(): Redactor {
  const known = new Set<string>();
  let longestFirst: string[] = [];

  const learnValue = (value: string): void => {
    if (value === '' || known.has(value)) return;
    for (const form of encodingsOf(value)) known.add(form);
    // A value may contain another: the longer must go first, or its rest would stay readable.
    longestFirst = [...known].sort((a, b) => b.length - a.length);
  };
  const text = (input: string): string => {
    let output = input;
    for (const value of longestFirst) output = output.replaceAll(value, mask);
    return output;
  };
  const value = (input: unknown): unknown => {
    if (typeof input === 'string') return text(input);
    if (Array.isArray(input)) return input.map(value);
    if (input instanceof Error) return redactError(input);
    if (typeof input !== 'object' || input === null) return input;
    return Object.fromEntries(Object.entries(input).map(([key, part]) => [key, value(part)]));
  };
  const redactError = <E>(error: E): E => {
    for (let current: unknown = error, depth = 0; current instanceof Error && depth < 8; depth += 1) {
      current.message = text(current.message);
      if (current.stack !== undefined) current.stack = text(current.stack);
      for (const [key, part] of Object.entries(current)) {
        if (typeof part === 'string') Reflect.set(current, key, text(part));
      }
      current = current.cause;
    }
    return error;
  };
  return {
    learn: (fields) => {
      for (const secret of sensitiveFields(fields)) learnValue(secret);
    },
    learnValue,
    learnDocument: (document) => {
      sensitiveValues(document).forEach(learnValue);
    },
    text,
    value,
    error: redactError,
  };
}
