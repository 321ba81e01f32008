import { redis, redisByAdmin } from '../../../rotators/redis/index.ts';
import type { Revocation, Rotator } from '../../../src/index.ts';

/** The settings of a rotator for tests. */
export interface RedisSettings {
  readonly kind: 'account' | 'admin';
  readonly ca?: string | undefined;
  readonly revocation?: Revocation;
}

/** Makes the rotator, in another process too. */
export default function makeRotator({ kind, ca, revocation }: RedisSettings): Rotator {
  const options = { ca: () => ca, ...(revocation && { revocation }) };
  return kind === 'admin' ? redisByAdmin(options) : redis(options);
}
