import { ApiFailure } from '../http/failure.ts';
import { readJson, scalarAt, valueAt } from '../http/json.ts';
import type { HttpAnswer } from '../http/send.ts';
import type { ExpiryPlace, Place, Scalar } from './description.ts';

/** Reads an answer at the places that a description names. */
export interface AnswerReader {
  /** The text, number, boolean or null at a place; undefined if there is none. @throws ApiFailure if the answer has to be JSON and is not */
  scalar(place: Place): Scalar | undefined;
  /** A text, or a whole number as text; undefined for anything else, and for an empty one. @throws ApiFailure */
  text(place: Place): string | undefined;
  /** As {@link text}. @throws ApiFailure if there is none, naming the place */
  requireText(place: Place): string;
  /** As {@link text}, but a boolean, a list or an object is returned too, unchanged; undefined for null. @throws ApiFailure */
  value(place: Place): unknown;
}

/** @param name the call's name in errors */
export function readerOf(name: string, answer: HttpAnswer): AnswerReader {
  let json: { readonly value: unknown } | undefined;
  const scalar = (place: Place): Scalar | undefined => {
    const pointer = pointerOf(place);
    if (pointer === undefined) return outsideBody(answer, place);
    json ??= { value: readJson(name, answer) };
    return scalarAt(json.value, pointer);
  };
  const text = (place: Place): string | undefined => {
    const value = scalar(place);
    if (Number.isSafeInteger(value)) return String(value);
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  const requireText = (place: Place): string => {
    const value = text(place);
    if (value !== undefined) return value;
    throw new ApiFailure('TargetFailed', `The answer to ${name} has no text at "${written(place)}"`);
  };
  return {
    scalar,
    text,
    requireText,
    value: (place) => {
      const value = scalar(place);
      const pointer = pointerOf(place);
      const whole = value === undefined && pointer !== undefined ? valueAt(json?.value, pointer) : value;
      return typeof whole === 'boolean' || (typeof whole === 'object' && whole !== null)
        ? whole
        : text(place);
    },
  };
}

function pointerOf(place: Place): string | undefined {
  if (typeof place === 'string') return place;
  return 'at' in place ? place.at : undefined;
}

/** The value of a header or a cookie. */
function outsideBody({ headers }: HttpAnswer, place: Place): string | undefined {
  if (typeof place === 'string' || 'at' in place) return undefined;
  if ('header' in place) return headers.get(place.header) ?? undefined;
  const start = `${place.cookie}=`;
  const set = headers.getSetCookie().find((cookie) => cookie.startsWith(start));
  // RFC 6265, section 4.1.1: attributes follow after a semicolon.
  return set?.slice(start.length).split(';')[0];
}

/** A place, as errors show it. */
export function written(place: Place): string {
  return pointerOf(place) ?? Object.values(place).join();
}

/** When a token expires, for the secret: ISO 8601, or the API's own text. Null if the answer doesn't say. */
export function expiryAt(reader: AnswerReader, place: ExpiryPlace): string | null {
  if (typeof place === 'string' || !('as' in place)) return reader.text(place) ?? null;
  const number = Number(reader.text({ at: place.at }) ?? Number.NaN);
  const ms = {
    seconds: number * 1000,
    milliseconds: number,
    'seconds-from-now': Date.now() + number * 1000,
  }[place.as];
  // Store null for an invalid date. An error here would lose the token.
  return Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z') : null;
}
