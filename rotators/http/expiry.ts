import type { RotatorContext } from '../../src/rotator/index.ts';

/** A warning that a credential expires before the next rotation; undefined if it does not. */
export function earlyExpiry(
  what: string,
  expiresAtMs: number | undefined,
  { nextRotationAtMs }: RotatorContext,
): string | undefined {
  if (expiresAtMs === undefined || nextRotationAtMs === undefined || expiresAtMs >= nextRotationAtMs)
    return undefined;
  const [expiry, rotation] = [expiresAtMs, nextRotationAtMs].map((ms) => new Date(ms).toISOString());
  return `${what} expires at ${expiry}, before the next rotation, which is due by ${rotation}: rotate more often`;
}
