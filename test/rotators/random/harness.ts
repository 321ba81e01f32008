import { generateKeyPairSync, type KeyPairKeyObjectResult, randomUUID } from 'node:crypto';
import { type KeyFormat, storedKeys } from '../../../rotators/random/stored-keys.ts';
import { rotatorTag, type SecretFields } from '../../../src/index.ts';
import type { RotatorHarness } from '../../../src/testing/index.ts';
import makeRotator from './rotator.ts';

const withPair = (format: KeyFormat, pair: KeyPairKeyObjectResult, more: SecretFields = {}) => {
  const fields = { format, ...more, ...storedKeys(pair, format) };
  return () => fields;
};

/** The first value of each rotator's secrets: a text, or fields. RSA keys are the smallest ones, because they take long. */
const secrets: Readonly<Record<string, () => string | SecretFields>> = {
  'random/string': () => `It's a pepper: ${randomUUID()}`,
  'random/base64': () => ({ password: 'AAECAwQFBgcICQoLDA0ODw==', owner: 'billing' }),
  'random/base64url': () => ({ password: 'AAECAwQFBgcICQoLDA0ODw', length: 16 }),
  'random/hex': () => '000102030405060708090a0b0c0d0e0f',
  'random/rsa': withPair('pem', generateKeyPairSync('rsa', { modulusLength: 2048 }), { bits: 2048 }),
  'random/ec': withPair('jwk', generateKeyPairSync('ec', { namedCurve: 'P-384' }), { curve: 'P-384' }),
  'random/ed25519': withPair('jwk', generateKeyPairSync('ed25519')),
};

/** The names of all rotators of values. */
export const randomNames: readonly string[] = Object.keys(secrets);

/** Secrets that open nothing. */
export function randomHarness(name: string): RotatorHarness {
  const rotator = makeRotator(name);
  return {
    rotator,
    account: async () => {
      const secret = secrets[name]?.() ?? {};
      const tags = { [rotatorTag]: name };
      return { secret, tags: typeof secret === 'string' ? { ...tags, 'keyturn:form': 'text' } : tags };
    },
    opensNothing: true,
    // Only this rotator is asked for a password. Its policy takes any text.
    passwords: name === 'random/string' ? ["It's \"quoted\" \\ and 'back'"] : [],
    module: { url: new URL('./rotator.ts', import.meta.url).href, settings: name },
  };
}
