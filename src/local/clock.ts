/** The clock for dates, rotation schedules and deletion windows. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /**
   * Calls `callback` once, when `now()` reaches `atMs`. If that is in the past, the call comes at once.
   *
   * @param atMs milliseconds since the epoch
   * @returns a function that cancels the call
   */
  schedule(atMs: number, callback: () => void): () => void;
}

/** A clock for tests. It only moves on request. */
export interface ManualClock extends Clock {
  /** Moves the time forward by `ms`. Calls that fall due are made in order, each at its own time. */
  advance(ms: number): Promise<void>;
}

/** setTimeout takes a 32-bit signed integer. A longer delay would fire at once. */
export const longestTimeoutMs = 2 ** 31 - 1;

/** The machine's own time. */
export function systemClock(): Clock {
  return fastClock(1);
}

/**
 * A clock that runs `factor` times as fast as the machine's: with 7200, four hours pass in two seconds. Only dates run
 * faster. HTTP, functions and the retries of a rotation take real time.
 *
 * @param startMs where it starts, in milliseconds since the epoch. Default: the machine's time
 * @throws RangeError for a factor that is not a finite number above 0
 */
export function fastClock(factor: number, startMs: number = Date.now()): Clock {
  if (!(Number.isFinite(factor) && factor > 0))
    throw new RangeError(`A clock's factor must be a finite number above 0, not ${factor}`);
  const startedAt = performance.now();
  const now = () => startMs + (performance.now() - startedAt) * factor;
  return { now, schedule: (atMs, callback) => scheduleReal(now, factor, atMs, callback) };
}

function scheduleReal(now: () => number, factor: number, atMs: number, callback: () => void): () => void {
  let timer: NodeJS.Timeout | undefined;
  const wait = () => {
    const delay = Math.max(0, (atMs - now()) / factor);
    // A rotation that is due next month must not keep the process alive. The server does that.
    timer = setTimeout(fire, Math.min(Math.ceil(delay), longestTimeoutMs)).unref();
  };
  const fire = () => (now() >= atMs ? callback() : wait());
  wait();
  return () => clearTimeout(timer);
}

interface ManualTimer {
  atMs: number;
  callback: () => void;
}

/** A {@link ManualClock} that begins at `startMs` (milliseconds since the epoch). */
export function manualClock(startMs: number): ManualClock {
  let time = startMs;
  const timers = new Set<ManualTimer>();
  const takeNextUntil = (end: number): ManualTimer | undefined => {
    const [next] = [...timers].filter((timer) => timer.atMs <= end).sort((a, b) => a.atMs - b.atMs);
    if (next) timers.delete(next);
    return next;
  };
  return {
    now: () => time,
    schedule(atMs, callback) {
      const timer = { atMs, callback };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    async advance(ms) {
      const end = time + ms;
      for (let timer = takeNextUntil(end); timer; timer = takeNextUntil(end)) {
        time = Math.max(time, timer.atMs);
        timer.callback();
        await macrotask();
      }
      time = end;
    },
  };
}

function macrotask(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
