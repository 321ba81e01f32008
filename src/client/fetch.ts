import type { Duration } from './duration.ts';
import type { Secret } from './secrets.ts';

/** How a token is sent. */
export interface FetchOptions {
  /** Where the token may go, such as `https://api.example`. Default: the origin of the secret's `host` or `url`. */
  readonly origin?: string;
  /** The secret's field with the token. Default: `token` or `access_token`; all of a plain text. */
  readonly field?: string;
  /** The header for the token. Default: `authorization`. */
  readonly header?: string;
  /** The text before the token. Default: `Bearer ` in the header `authorization`, nothing in others. */
  readonly prefix?: string;
  /** Whether an answer means that the token is refused. Default: status 401. */
  readonly isRefused?: (response: Response) => boolean | Promise<boolean>;
  /** For how long to look for another token after a refusal. Default: 2 seconds. */
  readonly deadline?: Duration;
  /** Another `fetch`, such as undici's. */
  readonly fetch?: typeof globalThis.fetch;
}

/**
 * Makes a `fetch` that adds the secret's token. After a 401 it tries other tokens, as {@link Secret.use} does; a 401 that
 * stays is returned. The token goes only to its origin, and follows no redirect to another.
 *
 * @throws (on each call) InvalidConfiguration for another origin or no token; as {@link Secret.get}; what fetch throws
 */
export function createFetch(secret: Secret, options: FetchOptions = {}): typeof globalThis.fetch {
  return async (input, init) => (await import('./fetch-call.ts')).fetchWith(secret, options, input, init);
}
