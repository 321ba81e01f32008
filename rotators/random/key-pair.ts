import {
  createPrivateKey,
  createPublicKey,
  type JsonWebKeyInput,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto';
import {
  contradictoryField,
  optionalText,
  type Rotator,
  requireText,
  type SecretFields,
} from '../../src/rotator/index.ts';
import { localRotator } from './local-rotator.ts';
import {
  type KeyFormat,
  type KeyPair,
  readKey,
  type StoredKey,
  storedKeys,
  thumbprint,
} from './stored-keys.ts';

/** Bits of an RSA key, or the name of a curve. */
export type KeyParameter = string | number;

/** A key pair. The first version of a secret may have none yet. */
export interface KeyPairCredential<Parameter extends KeyParameter> {
  /** In which format the secret holds the keys. */
  readonly format: KeyFormat;
  /** The size or the curve of the next pair, and of the pending one. */
  readonly parameter: Parameter;
  /** The private key, as the secret holds it. */
  readonly privateKey: StoredKey | undefined;
  /** The public key, as the secret holds it. */
  readonly publicKey: StoredKey | undefined;
  /** The public key's thumbprint (RFC 7638). */
  readonly kid: string | undefined;
}

/** An algorithm of key pairs. */
export interface KeyKind<Parameter extends KeyParameter> {
  readonly name: string;
  /** @throws InvalidSecretField */
  parameter(fields: SecretFields): Parameter;
  make(parameter: Parameter): Promise<KeyPair>;
  /** The parameter of a key; undefined for a key of another algorithm. */
  parameterOf(key: KeyObject): KeyParameter | undefined;
  /** The hash to sign with; undefined if the algorithm hashes itself. */
  readonly digest: 'sha256' | undefined;
}

function requireFormat(fields: SecretFields): KeyFormat {
  const format = requireText(fields, 'format');
  if (format === 'pem' || format === 'jwk') return format;
  throw contradictoryField('format', 'must be pem or jwk');
}

/** Rotates the fields `privateKey`, `publicKey` and `kid` (the thumbprint, RFC 7638), in the secret's `format`. */
export function randomKeyPair<Parameter extends KeyParameter>(
  kind: KeyKind<Parameter>,
): Rotator<KeyPairCredential<Parameter>> {
  return localRotator<KeyPairCredential<Parameter>>({
    name: kind.name,
    empty: { format: 'pem' },
    parse: (fields) => {
      const format = requireFormat(fields);
      return {
        format,
        parameter: kind.parameter(fields),
        privateKey: readKey(fields, 'privateKey', format),
        publicKey: readKey(fields, 'publicKey', format),
        kid: optionalText(fields, 'kid'),
      };
    },
    generate: async ({ format, parameter }) => storedKeys(await kind.make(parameter), format),
    prove: (pending) => provePair(kind, pending),
  });
}

/** Signs with the stored private key, and verifies with the stored public key. @throws InvalidSecretField if they don't match */
function provePair<Parameter extends KeyParameter>(
  kind: KeyKind<Parameter>,
  { parameter, privateKey, publicKey, kid }: KeyPairCredential<Parameter>,
): void {
  const signer = keyFrom('privateKey', privateKey, createPrivateKey);
  const verifier = keyFrom('publicKey', publicKey, createPublicKey);
  if (kind.parameterOf(signer) !== parameter)
    throw contradictoryField('privateKey', `is not of the size or curve ${parameter}`);
  const message = Buffer.from(kind.name);
  if (!verify(kind.digest, message, verifier, sign(kind.digest, message, signer)))
    throw contradictoryField('publicKey', 'does not verify what the privateKey signs');
  if (kid !== thumbprint(verifier)) throw contradictoryField('kid', "is not the publicKey's thumbprint");
}

/** @throws InvalidSecretField, without the cause: OpenSSL's errors can quote the key */
function keyFrom(
  field: string,
  stored: StoredKey | undefined,
  read: (key: string | JsonWebKeyInput) => KeyObject,
): KeyObject {
  if (stored === undefined) throw contradictoryField(field, 'is missing');
  try {
    return typeof stored === 'string' ? read(stored) : read({ key: stored, format: 'jwk' });
  } catch {
    throw contradictoryField(field, 'is no key that can be read');
  }
}
