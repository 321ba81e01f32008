import { setTimeout as sleep } from 'node:timers/promises';

/** How often a call is tried, and how long it waits. Delays double each time, with full jitter, as in AWS's SDKs. */
export interface RetryPolicy {
  /** Calls in all, the first included. */
  readonly attempts: number;
  /** Upper bound of the first delay, in ms. */
  readonly firstDelayMs: number;
}

const defaultRetryPolicy: RetryPolicy = { attempts: 3, firstDelayMs: 200 };

/**
 * Calls again while the error may pass by itself.
 *
 * @param shouldRetry whether an error may pass by itself
 * @param signal ends the wait, and the last error is thrown
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
      // If the wait is aborted, the original error says more.
      await sleep(Math.random() * longestMs, undefined, { signal }).catch(() => {
        throw error;
      });
    }
  }
}
