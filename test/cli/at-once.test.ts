import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { workAtOnce } from '../../src/cli/at-once.ts';

/** The numbers from 0 on, with a wait after each, as between pages. */
async function* numbers(count: number, waitMs = 0): AsyncGenerator<number> {
  for (let number = 0; number < count; number += 1) {
    yield number;
    if (waitMs > 0) await sleep(waitMs);
  }
}

describe('work on a list', () => {
  it('is done for each item, with no more than the limit at once', async () => {
    const done: number[] = [];
    let [now, most] = [0, 0];
    await workAtOnce(numbers(20), 3, async (number) => {
      now += 1;
      most = Math.max(most, now);
      await sleep(1 + (number % 4));
      now -= 1;
      done.push(number);
    });
    expect(done.sort((one, other) => one - other)).toEqual(Array.from({ length: 20 }, (_, index) => index));
    expect(most).toBe(3);
  });

  it('ends with the first error, even if the error comes while the next item is being listed', async () => {
    const begun: number[] = [];
    const working = workAtOnce(numbers(3, 20), 3, async (number) => {
      begun.push(number);
      throw new Error(`number ${number} failed`);
    });
    await expect(working).rejects.toThrow('number 0 failed');
    expect(begun).toEqual([0]);
  });
});
