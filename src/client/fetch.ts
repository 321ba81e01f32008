import type { FetchOptions } from './fetch-call.ts';
import type { Secret } from './secrets.ts';

export type { FetchOptions };

/**
 * Makes a `fetch` that adds the secret's token. After a 401 it tries other tokens, as {@link Secret.use} does. If every
 * token is refused until the deadline, it returns the 401. The token goes only to its origin, and follows no redirect to
 * another.
 *
 * Each call throws InvalidConfiguration for another origin or if the secret has no token, the errors of
 * {@link Secret.get}, and those of `fetch`.
 */
export function createFetch(secret: Secret, options: FetchOptions = {}): typeof globalThis.fetch {
  return async (input, init) => (await import('./fetch-call.ts')).fetchWith(secret, options, input, init);
}
