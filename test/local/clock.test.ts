import { describe, expect, it } from 'vitest';
import { fastClock, manualClock, systemClock } from '../../src/local/index.ts';

describe('the manual clock', () => {
  it('fires what falls due, in order, at its own time', async () => {
    const clock = manualClock(1_000);
    const fired: [string, number][] = [];
    clock.schedule(1_300, () => fired.push(['late', clock.now()]));
    clock.schedule(1_100, () => {
      fired.push(['early', clock.now()]);
      clock.schedule(1_200, () => fired.push(['between', clock.now()]));
    });
    const cancel = clock.schedule(1_150, () => fired.push(['cancelled', clock.now()]));
    clock.schedule(2_000, () => fired.push(['beyond', clock.now()]));
    cancel();
    await clock.advance(500);
    expect(fired).toEqual([
      ['early', 1_100],
      ['between', 1_200],
      ['late', 1_300],
    ]);
    expect(clock.now()).toBe(1_500);
  });
});

describe('the running clocks', () => {
  it('fire not before their time, however far it is', async () => {
    const clock = fastClock(3_600_000, 0);
    const inTwoHundredDays = 200 * 86_400_000;
    const firedAt = await new Promise<number>((resolve) => {
      // Nothing else keeps the process alive: its timers don't.
      const alive = setInterval(() => {}, 1_000);
      clock.schedule(inTwoHundredDays / 1_000, () => {
        clearInterval(alive);
        resolve(clock.now());
      });
    });
    expect(firedAt).toBeGreaterThanOrEqual(inTwoHundredDays / 1_000);
  });

  it('cancel', async () => {
    const clock = systemClock();
    let fired = false;
    const cancel = clock.schedule(clock.now(), () => {
      fired = true;
    });
    cancel();
    await new Promise<void>((resolve) => clock.schedule(clock.now() + 5, resolve));
    expect(fired).toBe(false);
  });

  it('need a factor above 0', () => {
    expect(() => fastClock(0)).toThrow(RangeError);
    expect(() => fastClock(Number.NaN)).toThrow(RangeError);
    expect(() => fastClock(Number.POSITIVE_INFINITY)).toThrow(RangeError);
  });
});
