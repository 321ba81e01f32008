import { setTimeout as sleep } from 'node:timers/promises';

/** How often and how long. Delays grow by two each time, with full jitter, as AWS's SDKs have them. */
export interface RetryPolicy {
  /** Calls in all, the first included. */
  readonly attempts: number;
  /** Upper bound of the first delay, in ms. */
  readonly firstDelayMs: number;
}

export const defaultRetryPolicy: RetryPolicy = { attempts: 3, firstDelayMs: 200 };

/**
 * Calls again while the error may go away by itself.
 *
 * @param shouldRetry whether an error may go away by itself
 * @param signal ends the waiting; the last error is thrown then
 * @see https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export async function retry<T>(
  call: () => Promise<T>,
  shouldRetry: (error: unknown) => boolean,
  signal: AbortSignal,
  policy: RetryPolicy = defaultRetryPolicy,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await call();
    } catch (error) {
      if (attempt >= policy.attempts || signal.aborted || !shouldRetry(error)) throw error;
      const longestMs = policy.firstDelayMs * 2 ** (attempt - 1);
      // If it is aborted while it waits, the original error is what matters.
      await sleep(Math.random() * longestMs, undefined, { signal }).catch(() => {
        throw error;
      });
    }
  }
}
