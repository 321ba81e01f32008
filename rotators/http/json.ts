import jsonpointer from 'jsonpointer';
import { ApiFailure } from './failure.ts';
import type { Answer } from './send.ts';

/** RFC 6901; the empty one is the whole answer. */
export type Pointer = string;

/** The JSON of an answer. @throws ApiFailure, which quotes nothing of it */
export function readJson(name: string, { text }: Answer): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new ApiFailure('TargetFailed', `${name} was answered with something that is no JSON`);
  }
}

/** What stands at a place of a JSON value; undefined where nothing does. */
export function valueAt(json: unknown, pointer: Pointer): unknown {
  return typeof json === 'object' && json !== null ? jsonpointer.get(json, pointer) : undefined;
}

/** A text, or a whole number as text; undefined for anything else, and for an empty one. */
export function textAt(json: unknown, pointer: Pointer): string | undefined {
  const value = valueAt(json, pointer);
  if (Number.isSafeInteger(value)) return String(value);
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** As {@link textAt}. @throws ApiFailure where there is none, naming the place */
export function requireTextAt(name: string, json: unknown, pointer: Pointer): string {
  const value = textAt(json, pointer);
  if (value !== undefined) return value;
  throw new ApiFailure('TargetFailed', `The answer to ${name} has no text at "${pointer}"`);
}
