import type { ChangingRotator } from '../../src/rotator/index.ts';
import type { ManagedUser } from './credential.ts';
import { type CreateElastiCacheClient, elastiCacheApi } from './elasticache-api.ts';
import { type CreateMemoryDbClient, memoryDbApi } from './memorydb-api.ts';
import { type ManagedSession, type ManagedUserOptions, managedUsers } from './rotator.ts';

export type { ManagedSession, ManagedUser, ManagedUserOptions };

/** How a function rotates users of ElastiCache. */
export interface ElastiCacheOptions extends ManagedUserOptions {
  /** @internal Its types are those of an optional package, which not everybody has. */
  readonly createClient?: CreateElastiCacheClient;
}

/** How a function rotates users of MemoryDB. */
export interface MemoryDbOptions extends ManagedUserOptions {
  /** @internal Its types are those of an optional package, which not everybody has. */
  readonly createClient?: CreateMemoryDbClient;
}

/**
 * Rotates the password of a user of ElastiCache, through ElastiCache's API. The old password works beside the new one.
 * Drop-in for AWS's SecretsManagerElasticacheUserRotation.
 *
 * @param options how the function connects and waits, and when the old password ends; default: verified TLS only, as
 *   long as AWS's template, and `on-next-rotation`
 */
export function elastiCache(options: ElastiCacheOptions = {}): ChangingRotator<ManagedUser, ManagedSession> {
  return managedUsers('elasticache', (region) => elastiCacheApi(region, options.createClient), options);
}

/** As {@link elastiCache}, for a user of MemoryDB. */
export function memoryDb(options: MemoryDbOptions = {}): ChangingRotator<ManagedUser, ManagedSession> {
  return managedUsers('memorydb', (region) => memoryDbApi(region, options.createClient), options);
}
