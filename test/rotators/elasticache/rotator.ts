import { elastiCache, type ManagedUserOptions, memoryDb } from '../../../rotators/elasticache/index.ts';
import type { Rotator } from '../../../src/index.ts';

/** The settings of a rotator for tests. */
export interface ManagedSettings
  extends Pick<ManagedUserOptions, 'revocation' | 'userName' | 'maxWaitingMs'> {
  readonly service: 'elasticache' | 'memorydb';
  /** The URL of the API's stand-in. */
  readonly endpoint: string;
}

/** Makes the rotator, in another process too. */
export default function makeRotator({ service, endpoint, ...settings }: ManagedSettings): Rotator {
  const client = { endpoint, credentials: { accessKeyId: 'TEST', secretAccessKey: 'unused' } };
  const options = { waitingIntervalMs: 5, ...settings };
  return service === 'elasticache'
    ? elastiCache({
        ...options,
        createClient: (sdk, region) => new sdk.ElastiCacheClient({ ...client, region }),
      })
    : memoryDb({ ...options, createClient: (sdk, region) => new sdk.MemoryDBClient({ ...client, region }) });
}
