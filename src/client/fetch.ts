import type { FetchOptions } from './fetch-call.ts';
import type { Secret } from './secrets.ts';

export type { FetchOptions };

/**
 * Makes a `fetch` that adds the secret's token. After a 401 it tries other tokens, as {@link Secret.use} does; a 401 that
 * stays is returned. The token goes only to its origin, and follows no redirect to another.
 *
 * @throws (on each call) InvalidConfiguration for another origin or no token; as {@link Secret.get}; what fetch throws
 */
export function createFetch(secret: Secret, options: FetchOptions = {}): typeof globalThis.fetch {
  return async (input, init) => (await import('./fetch-call.ts')).fetchWith(secret, options, input, init);
}
