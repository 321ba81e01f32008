import { describe, expect, it } from 'vitest';
import { variableClock } from '../../examples/demo/clock.ts';

const fourHoursMs = 4 * 3_600_000;

describe("the demo's clock", () => {
  it('rings an alarm that was set before it was sped up, and not before its time', async () => {
    const clock = variableClock();
    const atMs = clock.now() + fourHoursMs;
    const rung = new Promise<number>((resolve) => clock.schedule(atMs, () => resolve(clock.now())));
    clock.runAt(1_000_000);
    // The clock's timers don't keep a process alive.
    const alive = setInterval(() => undefined, 1_000);
    expect(await rung).toBeGreaterThanOrEqual(atMs);
    clearInterval(alive);
  });

  it('does not ring an alarm that was cancelled, whenever its speed changed', async () => {
    const clock = variableClock();
    const rung: string[] = [];
    const cancel = clock.schedule(clock.now() + fourHoursMs / 2, () => rung.push('cancelled'));
    clock.runAt(1_000_000);
    cancel();
    await new Promise<void>((resolve) => clock.schedule(clock.now() + fourHoursMs, resolve));
    expect(rung).toEqual([]);
  });

  it('goes on from where it is when its speed changes', () => {
    const clock = variableClock();
    const before = clock.now();
    clock.runAt(1_000_000);
    const fast = clock.now();
    clock.runAt(1);
    const slow = clock.now();
    expect(fast).toBeGreaterThanOrEqual(before);
    expect(slow).toBeGreaterThanOrEqual(fast);
  });
});
