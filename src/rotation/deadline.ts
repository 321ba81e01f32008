/** The remaining time of an invocation: a Lambda context is one. */
export interface TimeLeft {
  /** The remaining time, in ms. */
  getRemainingTimeInMillis(): number;
  /** Ends the run early, for a handler that runs outside Lambda. */
  readonly signal?: AbortSignal;
}

/** Time kept in reserve, in ms, to log and return the error before Lambda kills the process. */
const reserveMs = 400;

/** A signal that fires just before the function's time is up. */
export interface Deadline {
  readonly signal: AbortSignal;
  /** Stops the timer. */
  cancel(): void;
}

/**
 * Starts the timer of an invocation.
 *
 * @param timeLeft for a run without a time limit, undefined or an object that tells no time: the signal then never fires
 */
export function startDeadline(timeLeft: TimeLeft | undefined): Deadline {
  const controller = new AbortController();
  // A test in Lambda's console has a context; one by hand may have any object.
  if (typeof timeLeft?.getRemainingTimeInMillis !== 'function')
    return { signal: controller.signal, cancel: () => undefined };
  const afterMs = Math.max(0, timeLeft.getRemainingTimeInMillis() - reserveMs);
  const timer = setTimeout(() => controller.abort(new Error("The function's time ran out.")), afterMs);
  const signal =
    timeLeft.signal === undefined ? controller.signal : AbortSignal.any([controller.signal, timeLeft.signal]);
  return { signal, cancel: () => clearTimeout(timer) };
}
