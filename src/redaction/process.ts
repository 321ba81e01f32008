import type { Redactor } from '../redact.ts';

/** How many invocations' secrets are masked: a driver may warn or fail after its invocation has ended. */
const mostRemembered = 4;

const recent: Redactor[] = [];
let isListening = false;

/** Masks an error with the secrets of the last invocations, in place if possible. */
function maskByAll(thrown: unknown): unknown {
  return recent.reduce((masked, redactor) => redactor.error(masked), thrown);
}

/**
 * Masks secret values in what Node.js or Lambda's runtime prints by itself: warnings, such as the one that quotes an
 * invalid URL, and uncaught errors. An uncaught error still ends the process.
 *
 * @param redactor of an invocation
 */
export function maskNodeMessages(redactor: Redactor): void {
  recent.push(redactor);
  if (recent.length > mostRemembered) recent.shift();
  if (isListening) return;
  isListening = true;
  process.prependListener('warning', (warning) => {
    maskByAll(warning);
  });
  process.prependListener('uncaughtExceptionMonitor', (error) => {
    const masked = maskByAll(error);
    // The error could not be masked in place (no Error, or frozen). Throwing the masked one ends the process before others
    // see it.
    if (masked !== error) throw masked;
  });
  // Throwing it ends the process, as without this listener.
  process.prependListener('unhandledRejection', (reason) => {
    throw maskByAll(reason);
  });
}
