import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/** Makes and checks RotationTokens. With one, a function proves that a rotation asked for the value that it puts. */
export interface RotationTokens {
  /** The token of the rotation of a secret to a version. */
  of(secretArn: string, versionId: string): string;
  /** Whether a text is the token of that rotation. */
  fits(token: string, secretArn: string, versionId: string): boolean;
}

/** Makes the tokens of this process. They are derived from a random key, so none has to be stored. */
export function createRotationTokens(): RotationTokens {
  const key = randomBytes(32);
  const of = (secretArn: string, versionId: string) =>
    createHmac('sha256', key)
      .update(JSON.stringify([secretArn, versionId]))
      .digest('hex');
  return {
    of,
    fits(token, secretArn, versionId) {
      const [given, expected] = [Buffer.from(token), Buffer.from(of(secretArn, versionId))];
      return given.length === expected.length && timingSafeEqual(given, expected);
    },
  };
}
