import type { Duration } from './duration.ts';
import type { Secret } from './secrets.ts';

/** How a token is sent. */
export interface FetchOptions {
  /** Where the token may go, such as `https://api.example`; the origin of the secret's `host` or `url` if absent. */
  readonly origin?: string;
  /** The secret's field that holds the token; `token`, `access_token` or, of a plain text, all of it, if absent. */
  readonly field?: string;
  /** The header that it goes in; `authorization` if absent. */
  readonly header?: string;
  /** What stands before it; `Bearer ` in the header `authorization`, else nothing. */
  readonly prefix?: string;
  /** Whether an answer means that the token is refused; 401 if absent. */
  readonly isRefused?: (response: Response) => boolean | Promise<boolean>;
  /** For how long another token is looked for after a refusal; 2 seconds if absent. */
  readonly deadline?: Duration;
  /** Another `fetch`, such as undici's. */
  readonly fetch?: typeof globalThis.fetch;
}

/**
 * A `fetch` that adds the secret's token. An answer of 401 is met as a refusal is by {@link Secret.use}; where it stays,
 * it is answered as it is. The token goes to its origin alone, and follows no redirect to another.
 *
 * @throws (when it is called) InvalidConfiguration for another origin or no token; as {@link Secret.get}; what fetch throws
 */
export function createFetch(secret: Secret, options: FetchOptions = {}): typeof globalThis.fetch {
  return async (input, init) => (await import('./fetch-call.ts')).fetchWith(secret, options, input, init);
}
