import { generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';
import {
  contradictoryField,
  optionalText,
  type Rotator,
  type SecretFields,
} from '../../src/rotator/index.ts';
import { type KeyPairCredential, randomKeyPair } from './key-pair.ts';
import { optionalWholeNumber } from './numbers.ts';

const make = promisify(generateKeyPair);

const rsaBits = [2048, 8192] as const;

/** The names of curves in a JWK (RFC 7518, section 6.2.1.1), by OpenSSL's names. */
const curves: ReadonlyMap<string, string> = new Map([
  ['prime256v1', 'P-256'],
  ['secp384r1', 'P-384'],
  ['secp521r1', 'P-521'],
]);

function curveOf(fields: SecretFields): string {
  const curve = optionalText(fields, 'curve') ?? 'P-256';
  if ([...curves.values()].includes(curve)) return curve;
  throw contradictoryField('curve', `must be one of ${[...curves.values()].join(', ')}`);
}

/**
 * Rotates an RSA key pair. The secret's `bits` is its size, from 2048 to 8192. Default: 3072, which NIST SP 800-57 allows beyond 2030.
 *
 * @throws InvalidSecretField, by `parse` and `verify`
 */
export function randomRsa(): Rotator<KeyPairCredential<number>> {
  return randomKeyPair({
    name: 'random/rsa',
    parameter: (fields) => optionalWholeNumber(fields, 'bits', rsaBits) ?? 3072,
    make: (bits) => make('rsa', { modulusLength: bits }),
    parameterOf: (key) => key.asymmetricKeyDetails?.modulusLength,
    digest: 'sha256',
  });
}

/**
 * Rotates a key pair for ECDSA or ECDH. The secret's `curve` is P-256 (the default), P-384 or P-521.
 *
 * @throws InvalidSecretField, by `parse` and `verify`
 */
export function randomEc(): Rotator<KeyPairCredential<string>> {
  return randomKeyPair({
    name: 'random/ec',
    parameter: curveOf,
    make: (namedCurve) => make('ec', { namedCurve }),
    parameterOf: (key) => curves.get(key.asymmetricKeyDetails?.namedCurve ?? ''),
    digest: 'sha256',
  });
}

/** Rotates an Ed25519 key pair (RFC 8032). @throws InvalidSecretField, by `parse` and `verify` */
export function randomEd25519(): Rotator<KeyPairCredential<string>> {
  return randomKeyPair({
    name: 'random/ed25519',
    parameter: () => 'ed25519',
    make: () => make('ed25519'),
    parameterOf: (key) => key.asymmetricKeyType,
    digest: undefined,
  });
}
