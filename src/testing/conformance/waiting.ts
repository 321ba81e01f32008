import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

/** In ms. Code that honours a signal needs less. Code that waits for its own time-out needs more. */
const promptlyMs = 3_000;

/** How long `eventually` waits, and how long between two checks, in ms. */
const [patienceMs, pollMs] = [5_000, 20];

/** A promise's outcome, or that it is still pending. */
export type Ended<T> = PromiseSettledResult<T> | { readonly status: 'pending' };

/** Waits up to {@link promptlyMs} for a promise to settle. Never throws. */
export async function endOf<T>(promise: Promise<T>): Promise<Ended<T>> {
  const timer = new AbortController();
  const settled = Promise.allSettled([promise]).then(([result]): Ended<T> => result);
  const late = sleep<Ended<T>>(promptlyMs, { status: 'pending' }, { signal: timer.signal });
  try {
    return await Promise.race([settled, late]);
  } finally {
    timer.abort();
  }
}

/** Fails unless a login rejects after its signal has fired. */
export async function assertGivenUp(opening: Promise<unknown>): Promise<void> {
  const { status } = await endOf(opening);
  const fault =
    status === 'pending'
      ? `open did not end within ${promptlyMs / 1000} seconds of the signal`
      : 'open did not reject after the signal had fired';
  assert.equal(status, 'rejected', `${fault}: pass context.signal to all that waits.`);
}

/** Repeats a check until it holds. False if it doesn't in time. */
export async function eventually(check: () => boolean | Promise<boolean>): Promise<boolean> {
  for (const startedMs = performance.now(); performance.now() - startedMs < patienceMs; await sleep(pollMs))
    if (await check()) return true;
  return check();
}
