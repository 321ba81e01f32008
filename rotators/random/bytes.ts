import { randomBytes } from 'node:crypto';
import { contradictoryField, type Rotator } from '../../src/rotator/index.ts';
import { localRotator, storedValue } from './local-rotator.ts';
import { optionalWholeNumber } from './numbers.ts';

/** How bytes are written down: RFC 4648, sections 4, 5 (without padding) and 8 (in lower case). */
export type ByteEncoding = 'base64' | 'base64url' | 'hex';

/** Bytes that others read. */
export interface BytesCredential {
  /** Undefined in a secret that holds nothing yet. */
  readonly value: string | undefined;
  /** Bytes that the next one is to have, and the pending one has. */
  readonly length: number;
}

const lengths = [16, 4096] as const;
const byDefault = 32;

const alphabets: Readonly<Record<ByteEncoding, RegExp>> = {
  base64: /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/,
  base64url: /^[A-Za-z0-9_-]+$/,
  hex: /^(?:[0-9a-f]{2})+$/i,
};

/** Undefined for a text that is not written in the encoding. */
function bytesIn(value: string, encoding: ByteEncoding): number | undefined {
  return alphabets[encoding].test(value) ? Buffer.from(value, encoding).length : undefined;
}

/**
 * Rotates random bytes: the field `password`, or the whole of a secret that is plain text. There are as many as the
 * secret's `length` says, else as many as AWSCURRENT has, but 32 where it has fewer than 16 or is something else.
 *
 * @see https://www.rfc-editor.org/rfc/rfc4648
 */
export function randomBytesAs(encoding: ByteEncoding): Rotator<BytesCredential> {
  return localRotator<BytesCredential>({
    name: `random/${encoding}`,
    parse: (fields) => {
      const value = storedValue(fields);
      const present = bytesIn(value ?? '', encoding) ?? 0;
      const kept = present < lengths[0] || present > lengths[1] ? byDefault : present;
      return { value, length: optionalWholeNumber(fields, 'length', lengths) ?? kept };
    },
    generate: async ({ length }) => ({ password: randomBytes(length).toString(encoding) }),
    prove: ({ value, length }) => {
      if (bytesIn(value ?? '', encoding) === length) return;
      throw contradictoryField('password', `is not ${length} bytes in ${encoding}`);
    },
  });
}
