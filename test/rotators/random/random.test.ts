import { createPublicKey } from 'node:crypto';
import {
  calculateJwkThumbprint,
  exportJWK,
  importJWK,
  importPKCS8,
  importSPKI,
  jwtVerify,
  SignJWT,
} from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { randomRotators } from '../../../rotators/random/index.ts';
import { thumbprint } from '../../../rotators/random/stored-keys.ts';
import type { SecretFields } from '../../../src/index.ts';
import { type RotationFixture, startFixture } from '../../support/rotation-fixture.ts';

describe('values that open nothing', () => {
  let fixture: RotationFixture;
  beforeAll(async () => {
    fixture = await startFixture({
      rotators: randomRotators(),
      configuration: { password: { excludePunctuation: true } },
    });
  });
  afterAll(() => fixture.close());

  async function rotated(rotator: string, value: unknown, form?: string): Promise<string> {
    const tags = { 'keyturn:rotator': rotator, ...(form === undefined ? {} : { 'keyturn:form': form }) };
    const arn = await fixture.createSecret(value, tags);
    expect(await fixture.rotate(arn)).toBeUndefined();
    return arn;
  }

  it('makes a text by the function’s policy, of the secret’s length', async () => {
    const arn = await rotated('random/string', { password: 'changeme', length: 48, owner: 'billing' });
    expect(await fixture.read(arn)).toEqual({
      password: expect.stringMatching(/^[A-Za-z0-9]{48}$/),
      length: 48,
      owner: 'billing',
    });
    expect(await fixture.text(arn, 'AWSPREVIOUS')).toContain('changeme');
    const text = await rotated('random/string', 'a word', 'text');
    expect(await fixture.text(text)).toMatch(/^[A-Za-z0-9]{32}$/);
  });

  it.each([
    ['random/base64', 'AAECAwQFBgcICQoLDA0ODw==', 16, /^[A-Za-z0-9+/]{22}==$/],
    ['random/base64', 'a placeholder', 32, /^[A-Za-z0-9+/]{43}=$/],
    ['random/base64url', 'changeme', 32, /^[A-Za-z0-9_-]{43}$/],
    ['random/hex', '00'.repeat(64), 64, /^[0-9a-f]{128}$/],
  ] as const)('makes bytes for %s instead of %s: %i of them', async (rotator, before, length, written) => {
    const text = await fixture.text(await rotated(rotator, before, 'text'));
    expect(text).toMatch(written);
    const encoding = rotator === 'random/hex' ? 'hex' : 'base64';
    expect(Buffer.from(text, encoding)).toHaveLength(length);
  });

  it.each([
    ['random/rsa', { bits: 2048 }, 'PS256'],
    ['random/ec', {}, 'ES256'],
    ['random/ec', { curve: 'P-521' }, 'ES512'],
    ['random/ed25519', {}, 'EdDSA'],
  ])('makes %s %o for %s, whose AWSPREVIOUS goes on verifying', async (rotator, parameters, alg) => {
    for (const format of ['pem', 'jwk']) {
      const arn = await rotated(rotator, { format, ...parameters });
      const signed = await sign(await fixture.read(arn), alg);
      expect(await fixture.rotate(arn)).toBeUndefined();
      const [current, previous] = [await fixture.read(arn), await fixture.read(arn, 'AWSPREVIOUS')];
      await expect(verify(signed, previous, alg)).resolves.toMatchObject({ payload: { sub: 'app' } });
      await expect(verify(signed, current, alg)).rejects.toThrow('signature verification failed');
      await verify(await sign(current, alg), current, alg);
      const publicJwk = await exportJWK(await publicKey(current, alg));
      expect(current.kid).toBe(await calculateJwkThumbprint(publicJwk));
      expect(current.kid).not.toBe(previous.kid);
    }
  });

  it('names a key as RFC 7638, section 3.1 does', () => {
    const n =
      '0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMs' +
      'tn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91' +
      'CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw';
    const key = createPublicKey({ key: { kty: 'RSA', n, e: 'AQAB' }, format: 'jwk' });
    expect(thumbprint(key)).toBe('NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs');
  });

  it.each([
    ['random/string', { password: 'x', length: 7 }, 'length'],
    ['random/hex', { password: 'x', length: '16 bytes' }, 'length'],
    ['random/rsa', { format: 'pem', bits: 1024 }, 'bits'],
    ['random/ec', { format: 'pem', curve: 'secp256k1' }, 'curve'],
    ['random/ec', { format: 'der' }, 'format'],
    ['random/ec', { format: 'jwk', privateKey: 'PEM' }, 'privateKey'],
  ])('refuses for %s the secret %o, naming %s', async (rotator, secret, field) => {
    const arn = await fixture.createSecret(secret, { 'keyturn:rotator': rotator });
    expect(await fixture.rotate(arn)).toMatch(new RegExp(`^InvalidSecretField.*"${field}"`));
  });

  it.each([
    ['privateKey', undefined],
    ['privateKey', '-----BEGIN PRIVATE KEY-----\nnone\n-----END PRIVATE KEY-----\n'],
    ['publicKey', undefined],
    ['publicKey', 'of another pair'],
    ['kid', 'of another pair'],
  ])('promotes no pair with a wrong %s (%o)', async (field, value) => {
    const rotator = randomRotators().find(({ name }) => name === 'random/ed25519');
    const [one, other] = [await generated('random/ed25519'), await generated('random/ed25519')];
    const wrong = { format: 'pem', ...one, [field]: value === 'of another pair' ? other[field] : value };
    const context = { signal: new AbortController().signal, note: () => undefined };
    const pending = rotator?.parse(wrong);
    const session = await rotator?.open(pending, context);
    if (session === undefined) throw new Error('It is never refused.');
    await expect(rotator?.verify?.(session, pending, { ...context, current: pending })).rejects.toMatchObject(
      {
        code: 'InvalidSecretField',
        field,
      },
    );
  });

  async function generated(name: string): Promise<SecretFields> {
    return fixture.read(await rotated(name, { format: 'pem' }));
  }
});

async function privateKey({ format, privateKey: key }: SecretFields, alg: string) {
  return format === 'pem' ? importPKCS8(String(key), alg) : importJWK(Object(key), alg);
}

async function publicKey({ format, publicKey: key }: SecretFields, alg: string) {
  return format === 'pem' ? importSPKI(String(key), alg, { extractable: true }) : importJWK(Object(key), alg);
}

async function sign(secret: SecretFields, alg: string): Promise<string> {
  const jwt = new SignJWT().setSubject('app').setProtectedHeader({ alg, kid: String(secret.kid) });
  return jwt.sign(await privateKey(secret, alg));
}

async function verify(jwt: string, secret: SecretFields, alg: string) {
  return jwtVerify(jwt, await publicKey(secret, alg), { algorithms: [alg] });
}
