import { once } from 'node:events';

/** Resolves at the first signal to end. A second one is left to end the process the hard way. */
export async function firstSignal(): Promise<void> {
  const stop = new AbortController();
  const { signal } = stop;
  await Promise.race([once(process, 'SIGTERM', { signal }), once(process, 'SIGINT', { signal })]);
  stop.abort();
}

/** The signals of Ctrl-C, of systems that end processes, and of a terminal that closes, with a shell's exit code for each. */
const exitCodes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/**
 * Hears of every signal that asks this process to end. Nothing else ends it then.
 *
 * @param hear is told the exit code that shells give to a process which such a signal has ended
 * @returns ends the hearing: the signals end the process again
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
