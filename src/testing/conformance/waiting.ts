import { setTimeout as sleep } from 'node:timers/promises';

/** In ms, and generous: who honours a signal needs none of it, who waits for a time-out of their own needs more. */
export const promptlyMs = 3_000;

/** Longest wait, in ms, for what comes about by itself; between two looks at it a moment passes. */
const [patienceMs, pollMs] = [5_000, 20];

/** How a promise ended, or that it hasn't yet. */
export type Ended<T> = PromiseSettledResult<T> | { readonly status: 'pending' };

/** Waits for a promise to end, but no longer than promptly. Never throws. */
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

/** Looks again and again until `check` holds; false where it never does. */
export async function eventually(check: () => boolean | Promise<boolean>): Promise<boolean> {
  for (const startedMs = performance.now(); performance.now() - startedMs < patienceMs; await sleep(pollMs))
    if (await check()) return true;
  return check();
}
