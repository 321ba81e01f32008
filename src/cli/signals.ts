import { once } from 'node:events';

/** Resolves at the first SIGTERM or SIGINT. A second one ends the process at once. */
export async function firstSignal(): Promise<void> {
  const stop = new AbortController();
  const { signal } = stop;
  await Promise.race([once(process, 'SIGTERM', { signal }), once(process, 'SIGINT', { signal })]);
  stop.abort();
}

/** Ctrl-C sends SIGINT, a system SIGTERM, a closing terminal SIGHUP. The numbers are the exit codes that shells give. */
const exitCodes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/**
 * Calls `hear` for every signal that asks this process to end. The signal itself no longer ends the process.
 *
 * @param hear gets the exit code that a shell gives for the signal
 * @returns a function that stops this: the signals end the process again
 */
export function onEndingSignals(hear: (exitCode: number) => void): () => void {
  const listeners = Object.entries(exitCodes).map(([name, code]) => {
    const listener = (): void => hear(code);
    process.on(name, listener);
    return () => void process.off(name, listener);
  });
  return () => {
    for (const remove of listeners) remove();
  };
}
