/** A moment on both clocks of the machine, in ms. */
export interface Moment {
  readonly monotonic: number;
  readonly wall: number;
}

export function now(): Moment {
  return { monotonic: performance.now(), wall: Date.now() };
}

/**
 * Milliseconds since a moment: the longer of what the two clocks say. The wall clock may be set back, and the
 * monotonic one may stand still while Lambda has frozen the process. A value that seems older than it is costs one
 * read; one that seems younger would be used for too long.
 */
export function elapsedSince({ monotonic, wall }: Moment): number {
  return Math.max(performance.now() - monotonic, Date.now() - wall);
}

/** The longest that a timer of Node.js can wait; it fires at once for more. */
const longestTimerMs = 2 ** 31 - 1;

/** What ends a wait before its time. */
export interface Interruption {
  readonly signal?: AbortSignal | undefined;
  /** Resolves where there is nothing to wait for any more. */
  readonly or?: Promise<unknown> | undefined;
}

/** Waits. @throws the signal's reason when it is aborted */
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

/** Runs `work`, and gives up on it after `ms`, also where it does not listen to its signal. */
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

/** Lets so many begin in any second, and the others wait. */
export class RateLimit {
  readonly #perSecond: number;
  #startedAt: number[] = [];

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
  }

  /** Milliseconds until another may begin; 0 for now. */
  get delayMs(): number {
    const oldest = this.#startedAt.at(-this.#perSecond);
    return oldest === undefined ? 0 : Math.max(0, oldest + 1_000 - performance.now());
  }

  /** One begins, allowed or not. */
  count(): void {
    this.#startedAt = [...this.#startedAt, performance.now()].slice(-this.#perSecond);
  }

  /** Waits until another may begin, and counts it. */
  async wait(): Promise<void> {
    while (this.delayMs > 0) await sleep(this.delayMs);
    this.count();
  }
}
