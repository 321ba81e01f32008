import { encodingsOf } from '../../redact.ts';

/** Every string in a value, also where errors keep theirs: in properties that are not enumerable. */
export function* stringsIn(value: unknown, seen = new Set<unknown>()): Generator<string> {
  if (typeof value === 'string') yield value;
  if (typeof value !== 'object' || value === null || seen.has(value)) return;
  seen.add(value);
  for (const key of Reflect.ownKeys(value)) {
    if (typeof key === 'string') yield key;
    yield* stringsIn(Reflect.get(value, key), seen);
  }
}

/** Whether a secret stands in a text, plain or encoded. */
export function shows(text: string, secret: string): boolean {
  return encodingsOf(secret).some((encoded) => text.includes(encoded));
}
