import jsonpointer from 'jsonpointer';
import { ApiFailure } from './failure.ts';
import type { HttpAnswer } from './send.ts';

/** A JSON pointer (RFC 6901). The empty pointer means the whole answer. */
export type Pointer = string;

/** The JSON of an answer. @throws ApiFailure, TargetFailed, which quotes nothing of the answer */
export function readJson(name: string, { text }: HttpAnswer): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new ApiFailure('TargetFailed', `${name} was answered with something that is no JSON`);
  }
}

/** The value at a place of a JSON value; undefined if there is none. */
export function valueAt(json: unknown, pointer: Pointer): unknown {
  return typeof json === 'object' && json !== null ? jsonpointer.get(json, pointer) : undefined;
}

/** A text, number, boolean or null; undefined for anything else. */
export function scalarAt(json: unknown, pointer: Pointer): string | number | boolean | null | undefined {
  const value = valueAt(json, pointer);
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  return typeof value === 'number' ? value : undefined;
}

/** A text, or a whole number as text; undefined for anything else, and for an empty one. */
export function textAt(json: unknown, pointer: Pointer): string | undefined {
  const value = valueAt(json, pointer);
  if (Number.isSafeInteger(value)) return String(value);
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** As {@link textAt}. @throws ApiFailure if there is none, naming the place */
export function requireTextAt(name: string, json: unknown, pointer: Pointer): string {
  const value = textAt(json, pointer);
  if (value !== undefined) return value;
  throw new ApiFailure('TargetFailed', `The answer to ${name} has no text at "${pointer}"`);
}

/** Where APIs put the reason of an error. The first one that is found counts. */
const reasons: readonly Pointer[] = [
  '/error_description',
  '/error/message',
  '/error/description',
  '/error/detail',
  '/error/error_description',
  '/errors',
  '/message',
  '/messages',
  '/reason',
  '/detail',
  '/details',
  '/error_message',
  '/errorMessage',
  '/error_msg',
  '/errmsg',
  '/msg',
  '/Message',
  '/errorSummary',
  '/fault/faultstring',
  '/title',
  '/error',
];

/** Where the reason is an object: the member that has its text. The first one that is found counts. */
const parts = [
  'message',
  'detail',
  'description',
  'error_description',
  'reason',
  'title',
  'msg',
  'errorSummary',
];

/** Most characters of a reason that an error shows. */
const longestReason = 300;

/**
 * The reason that a server gives for an error, for {@link ApiFailure.said}. The reason is in one of the places of JSON where APIs put
 * it, or it is an answer of plain text. Core masks the values of the secrets when it shows the reason. This function masks the
 * values that only the call knows, such as an access token that was fetched for it.
 *
 * @param sent further secret values that the request has carried
 * @param places where the reason may be in a JSON. Default: wherever an API may put it
 */
export function reasonIn(
  { text, headers }: Pick<HttpAnswer, 'text' | 'headers'>,
  sent: readonly string[] = [],
  places: readonly Pointer[] = reasons,
): string | undefined {
  const reason = isPlain(headers) ? sentenceOf(text) : reasonInJson(text, places);
  return reason === undefined ? undefined : cut(masked(oneLine(reason), sent));
}

/** Whether an answer is a web page, such as a login page, whatever its content type is. */
export function isWebPage({ headers, text }: Pick<HttpAnswer, 'text' | 'headers'>): boolean {
  const isNamed = /^(?:text\/html|application\/xhtml\+xml)\b/i.test(headers.get('content-type') ?? '');
  return isNamed || /^\s*<(?:!doctype\s+html|html)\b/i.test(text);
}

function isPlain(headers: Headers): boolean {
  return /^text\/plain\b/i.test(headers.get('content-type') ?? '');
}

function reasonInJson(text: string, places: readonly Pointer[]): string | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  for (const pointer of places) {
    const reason = reasonOf(valueAt(json, pointer));
    if (reason !== undefined) return reason;
  }
  return undefined;
}

/** A reason may be a text, a list, or an object, such as `{"expires_at": ["must be within a year"]}`. */
function reasonOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value.trim() === '' ? undefined : value;
  if (typeof value === 'number') return String(value);
  if (typeof value !== 'object' || value === null) return undefined;
  if (Array.isArray(value)) return joined(value.map(reasonOf));
  const named = parts.map((part) => textAt(value, `/${part}`)).find((text) => text !== undefined);
  if (named !== undefined) return named;
  const texts = Object.entries(value).map(([name, one]) => {
    const said = joined(
      [one].flat().map((each) => (typeof each === 'string' ? sentenceOf(each) : undefined)),
    );
    return said === undefined ? undefined : `${name}: ${said}`;
  });
  return joined(texts);
}

/** The text, if it has several words and is no HTML. A single word is left out: it may be a credential. */
function sentenceOf(text: string): string | undefined {
  const trimmed = text.trim();
  return /\S\s+\S/.test(trimmed) && !trimmed.startsWith('<') ? trimmed : undefined;
}

function joined(texts: readonly (string | undefined)[]): string | undefined {
  const known = texts.filter((text) => text !== undefined);
  return known.length === 0 ? undefined : known.join('; ');
}

/** The text in one line, without control characters, which could steer a terminal. */
function oneLine(text: string): string {
  return text.replace(/[\s\p{Cc}]+/gu, ' ').trim();
}

function masked(reason: string, sent: readonly string[]): string {
  const forms = sent
    .filter((secret) => secret !== '')
    .flatMap((secret) => [secret, encodeURIComponent(secret.toWellFormed())]);
  const whole = forms
    .filter((form) => form.length >= 4)
    .reduce((text, form) => text.replaceAll(form, '[redacted]'), reason);
  // A part of a credential is masked too.
  return whole.replace(/[\w.~+/=-]{8,}/g, (word) =>
    sent.some((secret) => secret !== '' && (secret.includes(word) || word.includes(secret)))
      ? '[redacted]'
      : word,
  );
}

/** Cuts between words. Core masks credentials later, and only finds a whole credential. */
function cut(reason: string): string {
  if (reason.length <= longestReason) return reason;
  const end = reason.lastIndexOf(' ', longestReason);
  return end > 0 ? reason.slice(0, end) : '';
}
