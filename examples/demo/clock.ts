import { type Clock, fastClock } from '../../src/local/index.ts';

/** A clock whose speed can be changed. It begins with the machine's time and speed. */
export interface VariableClock extends Clock {
  /** Makes time pass `factor` times as fast as the machine's, from now on. */
  runAt(factor: number): void;
}

interface Alarm {
  readonly atMs: number;
  readonly ring: () => void;
  cancel: () => void;
}

export function variableClock(): VariableClock {
  let clock = fastClock(1);
  const alarms = new Set<Alarm>();
  return {
    now: () => clock.now(),
    schedule(atMs, callback) {
      const ring = (): void => {
        alarms.delete(alarm);
        callback();
      };
      const alarm: Alarm = { atMs, ring, cancel: clock.schedule(atMs, ring) };
      alarms.add(alarm);
      return () => {
        alarm.cancel();
        alarms.delete(alarm);
      };
    },
    runAt(factor) {
      clock = fastClock(factor, clock.now());
      for (const alarm of alarms) {
        alarm.cancel();
        alarm.cancel = clock.schedule(alarm.atMs, alarm.ring);
      }
    },
  };
}
