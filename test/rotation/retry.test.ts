import { describe, expect, it } from 'vitest';
import { retry } from '../../src/rotation/retry.ts';

const policy = { attempts: 3, firstDelayMs: 1 };
const never = new AbortController().signal;

function failing(times: number): { call: () => Promise<string>; calls: () => number } {
  let calls = 0;
  return {
    calls: () => calls,
    call: async () => {
      calls += 1;
      if (calls <= times) throw new Error(`failure ${calls}`);
      return 'done';
    },
  };
}

describe('retry', () => {
  it('calls again until it goes well', async () => {
    const { call, calls } = failing(2);
    await expect(retry(call, () => true, never, policy)).resolves.toBe('done');
    expect(calls()).toBe(3);
  });

  it('is bounded, and throws the last error', async () => {
    const { call, calls } = failing(9);
    await expect(retry(call, () => true, never, policy)).rejects.toThrow('failure 3');
    expect(calls()).toBe(3);
  });

  it('leaves errors alone that will not go away', async () => {
    const { call, calls } = failing(1);
    await expect(retry(call, () => false, never, policy)).rejects.toThrow('failure 1');
    expect(calls()).toBe(1);
  });

  it('stops waiting when the deadline fires, and throws what led there', async () => {
    const controller = new AbortController();
    const { call, calls } = failing(9);
    const waiting = retry(call, () => true, controller.signal, { attempts: 3, firstDelayMs: 2 ** 30 });
    setImmediate(() => controller.abort());
    await expect(waiting).rejects.toThrow('failure 1');
    expect(calls()).toBe(1);
  });
});
