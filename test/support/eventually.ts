import { vi } from 'vitest';

/** How long a check may go on failing, in ms. It only bounds how long a broken test takes: no test is about this time. */
const givesUpMs = 30_000;

/** Repeats a check until it passes, for an event of which nothing tells. @throws the check's last error */
export function eventually<T>(check: () => T | Promise<T>): Promise<T> {
  return vi.waitFor(check, { timeout: givesUpMs, interval: 20 });
}
