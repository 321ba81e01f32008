import type { Redactor } from '../redact.ts';

/** Of so many invocations the last ones' secrets are masked: a driver may warn or fail after its invocation has ended. */
const mostRemembered = 4;

const recent: Redactor[] = [];
let isGuarded = false;

/** Masks something in place, as far as that can be done, by all that the last invocations knew. */
function maskByAll(thrown: unknown): unknown {
  return recent.reduce((masked, redactor) => redactor.error(masked), thrown);
}

/**
 * Has Node.js print no secret value by itself: neither in a warning, such as the one that quotes a URL that can't be
 * parsed, nor when the process ends because nobody has caught an error. Each is masked before Node.js, or Lambda's
 * runtime, prints it. What happens then stays as it is.
 *
 * @param redactor of an invocation
 */
export function guardProcess(redactor: Redactor): void {
  recent.push(redactor);
  if (recent.length > mostRemembered) recent.shift();
  if (isGuarded) return;
  isGuarded = true;
  process.prependListener('warning', (warning) => {
    maskByAll(warning);
  });
  process.prependListener('uncaughtExceptionMonitor', (error) => {
    const masked = maskByAll(error);
    // What is no Error, or is frozen, can't be masked in place: the process ends by this one, and so before others see it.
    if (masked !== error) throw masked;
  });
  // It ends the process as ever.
  process.prependListener('unhandledRejection', (reason) => {
    throw maskByAll(reason);
  });
}
