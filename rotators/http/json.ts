import jsonpointer from 'jsonpointer';
import { ApiFailure } from './failure.ts';
import type { Answer } from './send.ts';

/** A JSON pointer (RFC 6901). The empty one means the whole answer. */
export type Pointer = string;

/** The JSON of an answer. @throws ApiFailure, which quotes nothing of it */
export function readJson(name: string, { text }: Answer): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new ApiFailure('TargetFailed', `${name} was answered with something that is no JSON`);
  }
}

/** What stands at a place of a JSON value; undefined if nothing does. */
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

/** Where APIs give the reason of an error. The first one found counts. */
const reasons: readonly Pointer[] = [
  '/error_description',
  '/error/message',
  '/error/description',
  '/errors/0/message',
  '/errors/0/detail',
  '/errors/0',
  '/message',
  '/message/0',
  '/reason',
  '/detail',
  '/error_message',
  '/errorSummary',
  '/title',
  '/error',
];

/** Most characters of a reason that an error shows. */
const longestReason = 300;

/**
 * The reason that a server gives for an error, for {@link ApiFailure.said}. Known secret values are masked when the
 * reason is shown. This function masks the values that only the call knows, such as an access token that was fetched
 * for it.
 *
 * @param sent further secret values that the request has carried
 */
export function reasonIn(text: string, sent: readonly string[] = []): string | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  for (const pointer of reasons) {
    const reason = textAt(json, pointer)?.slice(0, longestReason);
    if (reason === undefined) continue;
    // A part of a credential is masked too.
    return reason.replace(/[\w.~+/=-]{8,}/g, (word) =>
      sent.some((secret) => secret.includes(word) || word.includes(secret)) ? '[redacted]' : word,
    );
  }
  return undefined;
}
