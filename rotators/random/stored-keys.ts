import { createHash, type JsonWebKey, type KeyObject } from 'node:crypto';
import { contradictoryField, optionalText, type SecretFields } from '../../src/rotator/index.ts';

/** How keys are written: PKCS #8 and SPKI as PEM (RFC 7468), or JSON Web Keys (RFC 7517). */
export type KeyFormat = 'pem' | 'jwk';

/** A key as a secret holds it: PEM, or a JWK. Of a JWK only the members that are text are kept. */
export type StoredKey = string | Readonly<Record<string, string>>;

/** Reads the field of a key. Does not check the key. @throws InvalidSecretField */
export function readKey(fields: SecretFields, field: string, format: KeyFormat): StoredKey | undefined {
  const value = fields[field];
  if (format === 'pem' || value === undefined || value === null) return optionalText(fields, field);
  if (typeof value !== 'object' || Array.isArray(value))
    throw contradictoryField(field, 'must be a JWK, which is a JSON object');
  return Object.fromEntries(
    Object.entries(value).flatMap(([member, text]) => (typeof text === 'string' ? [[member, text]] : [])),
  );
}

/** Both halves of a key. */
export interface KeyPair {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

/** The secret's fields for a key pair. */
export function storedKeys({ privateKey, publicKey }: KeyPair, format: KeyFormat): SecretFields {
  const kid = thumbprint(publicKey);
  if (format === 'pem') {
    return {
      privateKey: privateKey.export({ format: 'pem', type: 'pkcs8' }),
      publicKey: publicKey.export({ format: 'pem', type: 'spki' }),
      kid,
    };
  }
  const withKid = (key: KeyObject) => ({ ...key.export({ format: 'jwk' }), kid });
  return { privateKey: withKid(privateKey), publicKey: withKid(publicKey), kid };
}

/** The members of a public JWK that its thumbprint hashes, by its type, in alphabetical order. */
const hashedMembers: Readonly<Record<string, readonly (keyof JsonWebKey & string)[]>> = {
  RSA: ['e', 'kty', 'n'],
  EC: ['crv', 'kty', 'x', 'y'],
  OKP: ['crv', 'kty', 'x'],
};

/**
 * The thumbprint of a public key, which names it.
 *
 * @see https://www.rfc-editor.org/rfc/rfc7638#section-3.2
 * @see https://www.rfc-editor.org/rfc/rfc8037#section-2
 */
export function thumbprint(publicKey: KeyObject): string {
  const jwk = publicKey.export({ format: 'jwk' });
  const members = hashedMembers[jwk.kty ?? ''] ?? [];
  const hashed = JSON.stringify(Object.fromEntries(members.map((member) => [member, jwk[member]])));
  return createHash('sha256').update(hashed).digest('base64url');
}
