import { createCipheriv, createDecipheriv, type KeyObject, randomBytes } from 'node:crypto';
import type { SecretValue } from '../model.ts';

const algorithm = 'aes-256-gcm';
const nonceBytes = 12;
const tagBytes = 16;

/** The place of a value. The cipher authenticates it, so a value that was moved to another version can't be decrypted. */
export interface ValuePlace {
  readonly arn: string;
  readonly versionId: string;
  readonly kind: SecretValue['kind'];
}

/** Encrypts with AES-256-GCM. @returns nonce, tag and ciphertext in one buffer */
export function encryptValue(key: KeyObject, place: ValuePlace, plaintext: Buffer): Buffer {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv(algorithm, key, nonce, { authTagLength: tagBytes });
  cipher.setAAD(additionalData(place));
  const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), ciphertext]);
}

/**
 * The inverse of {@link encryptValue}.
 * @throws Error if the key or the place is another one, or a byte was changed
 */
export function decryptValue(key: KeyObject, place: ValuePlace, sealed: Buffer): Buffer {
  const nonce = sealed.subarray(0, nonceBytes);
  const decipher = createDecipheriv(algorithm, key, nonce, { authTagLength: tagBytes });
  decipher.setAuthTag(sealed.subarray(nonceBytes, nonceBytes + tagBytes));
  decipher.setAAD(additionalData(place));
  return Buffer.concat([decipher.update(sealed.subarray(nonceBytes + tagBytes)), decipher.final()]);
}

function additionalData({ arn, versionId, kind }: ValuePlace): Buffer {
  return Buffer.from(JSON.stringify([arn, versionId, kind]));
}
