import type { Rotator } from '../../src/rotator/index.ts';
import { localRotator, storedValue } from './local-rotator.ts';
import { optionalWholeNumber } from './numbers.ts';

/** A text that others read. */
export interface StringCredential {
  /** Undefined in a secret that holds nothing yet. */
  readonly value: string | undefined;
  /** Characters that the next one is to have; absent: as the function's policy says. */
  readonly length: number | undefined;
}

const lengths = [8, 4096] as const;

/**
 * Rotates a text of random characters: the field `password`, or the whole of a secret that is plain text. It is made by
 * the function's password policy; the secret's `length` (characters) holds where that sets none.
 */
export function randomString(): Rotator<StringCredential> {
  return localRotator<StringCredential>({
    name: 'random/string',
    parse: (fields) => ({
      value: storedValue(fields),
      length: optionalWholeNumber(fields, 'length', lengths),
    }),
    generate: async ({ length }, { password }) => ({
      password: password(length === undefined ? {} : { length }),
    }),
  });
}
