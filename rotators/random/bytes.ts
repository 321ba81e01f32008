import { randomBytes } from 'node:crypto';
import { contradictoryField, type Rotator } from '../../src/rotator/index.ts';
import { localRotator, storedValue } from './local-rotator.ts';
import { optionalWholeNumber } from './numbers.ts';

/** How bytes are written: RFC 4648, sections 4, 5 (without padding) and 8 (in lower case). */
export type ByteEncoding = 'base64' | 'base64url' | 'hex';

/** Random bytes, as the secret holds them. */
export interface BytesCredential {
  /** The encoded bytes; undefined in a secret without a value. */
  readonly value: string | undefined;
  /** How many bytes the next value gets, and the pending value must have. */
  readonly length: number;
}

const lengths = [16, 4096] as const;
const byDefault = 32;

const alphabets: Readonly<Record<ByteEncoding, RegExp>> = {
  base64: /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/,
  base64url: /^[A-Za-z0-9_-]+$/,
  hex: /^(?:[0-9a-f]{2})+$/i,
};

/** How many bytes a text encodes; undefined if it is not in this encoding. */
function byteCountOf(value: string, encoding: ByteEncoding): number | undefined {
  return alphabets[encoding].test(value) ? Buffer.from(value, encoding).length : undefined;
}

/**
 * Rotates random bytes: the field `password`, or the whole secret if it is plain text. Its name is `random/ENCODING`.
 *
 * The secret's `length` is the number of bytes, from 16 to 4096. If it is absent, the new value has as many bytes as AWSCURRENT. It
 * has 32 bytes if AWSCURRENT has fewer than 16 or more than 4096, or is not in this encoding.
 *
 * @throws InvalidSecretField, by `parse` and `verify`
 * @see https://www.rfc-editor.org/rfc/rfc4648
 */
export function randomBytesAs(encoding: ByteEncoding): Rotator<BytesCredential> {
  return localRotator<BytesCredential>({
    name: `random/${encoding}`,
    parse: (fields) => {
      const value = storedValue(fields);
      const present = byteCountOf(value ?? '', encoding) ?? 0;
      const kept = present < lengths[0] || present > lengths[1] ? byDefault : present;
      return { value, length: optionalWholeNumber(fields, 'length', lengths) ?? kept };
    },
    generate: async ({ length }) => ({ password: randomBytes(length).toString(encoding) }),
    prove: ({ value, length }) => {
      if (byteCountOf(value ?? '', encoding) === length) return;
      throw contradictoryField('password', `is not ${length} bytes in ${encoding}`);
    },
  });
}
