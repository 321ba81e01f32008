import { createPrivateKey, type KeyObject, sign } from 'node:crypto';
import { contradictoryField } from '../../src/rotator/index.ts';

/** GitHub allows ten minutes at most, and clocks differ. So a token is valid from a minute ago until nine minutes from now. */
const [earlierSeconds, lifeSeconds] = [60, 540];

/**
 * A JSON Web Token with which an app authenticates, signed with RS256.
 *
 * @param issuer the app's id
 * @param privateKey PEM of an RSA key
 * @param nowMs the server's time, in ms since 1970
 * @throws InvalidSecretField if `privateKey` is no RSA key
 * @see https://www.rfc-editor.org/rfc/rfc7519
 * @see https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app
 */
export function signAppToken(issuer: string, privateKey: string, nowMs: number): string {
  const now = Math.floor(nowMs / 1000);
  const claims = { iss: issuer, iat: now - earlierSeconds, exp: now + lifeSeconds };
  const signed = [{ alg: 'RS256', typ: 'JWT' }, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  return `${signed}.${sign('RSA-SHA256', Buffer.from(signed), rsaKey(privateKey)).toString('base64url')}`;
}

function rsaKey(pem: string): KeyObject {
  const key = readKey(pem);
  if (key?.asymmetricKeyType === 'rsa') return key;
  throw contradictoryField('privateKey', 'is no RSA key in PEM');
}

function readKey(pem: string): KeyObject | undefined {
  try {
    return createPrivateKey(pem);
  } catch {
    // Drop OpenSSL's error: it may quote the key.
    return undefined;
  }
}
