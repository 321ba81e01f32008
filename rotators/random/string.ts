import type { Rotator } from '../../src/rotator/index.ts';
import { localRotator, storedValue } from './local-rotator.ts';
import { optionalWholeNumber } from './numbers.ts';

/** Random characters, as the secret holds them. */
export interface StringCredential {
  /** Undefined in a secret without a value. */
  readonly value: string | undefined;
  /** How many characters the next value gets; undefined: the function's password policy decides. */
  readonly length: number | undefined;
}

const lengths = [8, 4096] as const;

/**
 * Rotates random characters: the field `password`, or the whole secret if it is plain text. The function's password policy makes
 * them. The secret's `length` (8 to 4096 characters) counts if the policy sets no length.
 *
 * @throws InvalidSecretField, by `parse`
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
