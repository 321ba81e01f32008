import type { Rotator } from '../../src/rotator/index.ts';
import { randomBytesAs } from './bytes.ts';
import { randomEc, randomEd25519, randomRsa } from './key-kinds.ts';
import { randomString } from './string.ts';

export { type ByteEncoding, type BytesCredential, randomBytesAs } from './bytes.ts';
export { randomEc, randomEd25519, randomRsa } from './key-kinds.ts';
export type { KeyPairCredential } from './key-pair.ts';
export type { KeyFormat } from './stored-keys.ts';
export { randomString, type StringCredential } from './string.ts';

/** All rotators of values that open nothing. */
export function randomRotators(): Rotator[] {
  return [
    randomString(),
    randomBytesAs('base64'),
    randomBytesAs('base64url'),
    randomBytesAs('hex'),
    randomRsa(),
    randomEc(),
    randomEd25519(),
  ];
}
