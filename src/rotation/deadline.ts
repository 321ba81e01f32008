/** Where the remaining time comes from: the Lambda context has it. */
export interface TimeLeft {
  getRemainingTimeInMillis(): number;
  /** Ends the run before its time is up, for whoever runs a handler outside Lambda. */
  readonly signal?: AbortSignal;
}

/** Time kept back, in ms, so that the error is logged and answered before Lambda kills the process. */
const reserveMs = 400;

/** A signal that fires just before the function's time is up. */
export interface Deadline {
  readonly signal: AbortSignal;
  /** Leaves no timer behind. */
  cancel(): void;
}

/** @param timeLeft absent where nothing limits the run: the signal then never fires */
export function startDeadline(timeLeft: TimeLeft | undefined): Deadline {
  const controller = new AbortController();
  if (timeLeft === undefined) return { signal: controller.signal, cancel: () => undefined };
  const afterMs = Math.max(0, timeLeft.getRemainingTimeInMillis() - reserveMs);
  const timer = setTimeout(() => controller.abort(new Error("The function's time ran out.")), afterMs);
  const signal =
    timeLeft.signal === undefined ? controller.signal : AbortSignal.any([controller.signal, timeLeft.signal]);
  return { signal, cancel: () => clearTimeout(timer) };
}
