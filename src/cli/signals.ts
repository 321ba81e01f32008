import { once } from 'node:events';

/** Resolves at the first signal to end. A second one is left to end the process the hard way. */
export async function firstSignal(): Promise<void> {
  const stop = new AbortController();
  const { signal } = stop;
  await Promise.race([once(process, 'SIGTERM', { signal }), once(process, 'SIGINT', { signal })]);
  stop.abort();
}
