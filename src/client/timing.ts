/** A moment on both clocks, in ms. */
export interface Moment {
  /** By `performance.now()`. */
  readonly monotonic: number;
  /** By `Date.now()`. */
  readonly wall: number;
}

/** The moment of the call. */
export function now(): Moment {
  return { monotonic: performance.now(), wall: Date.now() };
}

/**
 * Milliseconds since a moment, by the clock that shows more. The wall clock may be set back. The monotonic clock may stop
 * while Lambda has frozen the process. If a value seems too old, that costs one read. If it seems too young, it is used for
 * too long.
 */
export function elapsedSince({ monotonic, wall }: Moment): number {
  return Math.max(performance.now() - monotonic, Date.now() - wall);
}

/** A Node.js timer with a longer wait fires at once. */
const longestTimerMs = 2 ** 31 - 1;

/** What ends a wait early. */
export interface Interruption {
  readonly signal?: AbortSignal | undefined;
  /** Ends the wait when it settles. */
  readonly or?: Promise<unknown> | undefined;
}

/** Waits so many milliseconds. @throws the signal's reason when it is aborted */
export function sleep(ms: number, { signal, or }: Interruption = {}): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (settle: () => void): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
      settle();
    };
    const abort = (): void => end(() => reject(signal?.reason));
    const timer = setTimeout(() => end(resolve), Math.min(ms, longestTimerMs));
    if (signal?.aborted === true) abort();
    signal?.addEventListener('abort', abort);
    or?.then(
      () => end(resolve),
      () => end(resolve),
    );
  });
}

/** A promise's outcome, unless the signal is aborted first. @throws the signal's reason */
export function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort);
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

/** Runs `work`, and throws `tooLate()` after `ms`, even if the work ignores its signal. */
export async function within<T>(
  ms: number,
  work: (signal: AbortSignal) => Promise<T>,
  tooLate: () => Error,
): Promise<T> {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(tooLate()), ms);
  try {
    return await unlessAborted(work(controller.signal), controller.signal);
  } finally {
    clearTimeout(timer);
  }
}

/** Limits how many reads begin in any second. */
export class RateLimit {
  readonly #perSecond: number;
  #startedAt: number[] = [];

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
  }

  /** Milliseconds until another read may begin; 0: now. */
  get delayMs(): number {
    const oldest = this.#startedAt.at(-this.#perSecond);
    return oldest === undefined ? 0 : Math.max(0, oldest + 1_000 - performance.now());
  }

  /** Counts a read that begins, allowed or not. */
  count(): void {
    this.#startedAt = [...this.#startedAt, performance.now()].slice(-this.#perSecond);
  }

  /** Waits until another read may begin, and counts it. */
  async wait(): Promise<void> {
    while (this.delayMs > 0) await sleep(this.delayMs);
    this.count();
  }
}
