import { vi } from 'vitest';

/** Advances the fake time until a promise is settled. @throws Error if it isn't within an hour */
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

/** How long something takes in fake time, and its result. */
export async function timed<T>(
  act: () => Promise<T>,
): Promise<{ readonly value: T; readonly tookMs: number }> {
  const startedAt = performance.now();
  const value = await inTime(act());
  return { value, tookMs: performance.now() - startedAt };
}
