/** Where the remaining time comes from: the Lambda context has it. */
export interface TimeLeft {
  getRemainingTimeInMillis(): number;
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
  return { signal: controller.signal, cancel: () => clearTimeout(timer) };
}
