import { vi } from 'vitest';

/** Lets replaced time pass until a promise is settled. @throws Error when it is not within an hour */
export async function inTime<T>(promise: Promise<T>): Promise<T> {
  let isSettled = false;
  const settled = promise.finally(() => {
    isSettled = true;
  });
  settled.catch(() => undefined);
  for (let passedMs = 0; !isSettled; passedMs += 5) {
    if (passedMs > 3_600_000) throw new Error('Nothing has come of it within an hour.');
    await vi.advanceTimersByTimeAsync(5);
  }
  return settled;
}

/** How long something takes by replaced time, and what comes of it. */
export async function timed<T>(
  act: () => Promise<T>,
): Promise<{ readonly value: T; readonly tookMs: number }> {
  const startedAt = performance.now();
  const value = await inTime(act());
  return { value, tookMs: performance.now() - startedAt };
}
