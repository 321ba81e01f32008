import { createRedactor } from '../../redact.ts';

/** Every string in a value, including properties that are not enumerable, such as an error's. */
function* stringsIn(value: unknown, seen = new Set<unknown>()): Generator<string> {
  if (typeof value === 'string') yield value;
  if (typeof value !== 'object' || value === null || seen.has(value)) return;
  seen.add(value);
  for (const key of Reflect.ownKeys(value)) {
    if (typeof key === 'string') yield key;
    yield* stringsIn(Reflect.get(value, key), seen);
  }
}

/**
 * Finds secrets that can be read in a value: plain, or in an encoding that the redactor knows.
 *
 * @param known texts that everybody may read, such as the rotator's name
 */
export function secretsShown(
  value: unknown,
  secrets: readonly string[],
  known: readonly string[] = [],
): string[] {
  const texts = [...new Set(stringsIn(value))];
  return [...new Set(secrets)].filter((secret) => {
    const redactor = createRedactor();
    redactor.learnValue(secret);
    redactor.publish(...known);
    return texts.some((text) => text.includes(secret) || redactor.text(text) !== text);
  });
}
