import { createCipheriv, createDecipheriv, type KeyObject, randomBytes } from 'node:crypto';
import type { SecretValue } from '../model.ts';

const ALGORITHM = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Where a value belongs. It is authenticated with it, so that a value moved to another version can't be read. */
export interface ValuePlace {
  readonly arn: string;
  readonly versionId: string;
  readonly kind: SecretValue['kind'];
}

/** Encrypts with AES-256-GCM; gives nonce, tag and ciphertext in one buffer. */
export function encryptValue(key: KeyObject, place: ValuePlace, plaintext: Buffer): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(additionalData(place));
  const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), ciphertext]);
}

/**
 * The inverse of {@link encryptValue}.
 * @throws Error when the key or the place is another one, or a byte was changed
 */
export function decryptValue(key: KeyObject, place: ValuePlace, sealed: Buffer): Buffer {
  const nonce = sealed.subarray(0, NONCE_BYTES);
  const decipher = createDecipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAuthTag(sealed.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
  decipher.setAAD(additionalData(place));
  return Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()]);
}

function additionalData({ arn, versionId, kind }: ValuePlace): Buffer {
  return Buffer.from(JSON.stringify([arn, versionId, kind]));
}
