import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/** Makes and knows the tokens by which a function proves that a rotation asked for what it puts. */
export interface RotationTokens {
  /** The token of the rotation of a secret to a version. */
  of(secretArn: string, versionId: string): string;
  /** Whether it is that rotation's token. */
  fits(token: string, secretArn: string, versionId: string): boolean;
}

/** Tokens of this process: derived, so that none has to be kept. */
export function createRotationTokens(): RotationTokens {
  const key = randomBytes(32);
  const digest = (secretArn: string, versionId: string) =>
    createHmac('sha256', key)
      .update(JSON.stringify([secretArn, versionId]))
      .digest();
  return {
    of: (secretArn, versionId) => digest(secretArn, versionId).toString('hex'),
    fits(token, secretArn, versionId) {
      const given = Buffer.from(token, 'hex');
      const expected = digest(secretArn, versionId);
      return given.length === expected.length && timingSafeEqual(given, expected);
    },
  };
}
