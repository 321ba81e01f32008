import { setTimeout as sleep } from 'node:timers/promises';
import type { RotationRequest } from '../../local/index.ts';
import type { Checkpoint } from './faults.ts';
import type { TestFunction } from './function.ts';
import { isRead } from './secrets-manager.ts';

/** What a second invocation works with. */
export interface ConcurrentInvocation {
  readonly event: RotationRequest;
  readonly start: (checkpoint: Checkpoint) => Promise<TestFunction>;
  readonly trace: string[];
  /** The second invocations that run. */
  readonly invocations: Set<Promise<void>>;
  remember(): Promise<void>;
  checkInvariants(): Promise<void>;
}

/** After so many ms without a call, the second invocation is assumed to wait for the first one's lock at the target. */
const patienceMs = 300;

/** Runs a second invocation of a step, to its end or until it waits for the first. */
export async function startConcurrentInvocation(parts: ConcurrentInvocation): Promise<void> {
  const { event, start, trace, invocations, remember, checkInvariants } = parts;
  let lastSign = performance.now();
  const concurrent = await start({
    before: async ({ to, name }) => {
      lastSign = performance.now();
      trace.push(`      second invocation: ${to} ${name}`);
      if (to === 'Secrets Manager' && !isRead(name)) await remember();
      return undefined;
    },
    after: async () => {
      lastSign = performance.now();
      await checkInvariants();
    },
  });
  const running = concurrent
    .invoke(event)
    // Secrets Manager waits only for the first invocation.
    .catch((error: unknown) => {
      trace.push(`      second invocation failed: ${error instanceof Error ? error.message : error}`);
    })
    .then(() => concurrent.end())
    .finally(() => invocations.delete(running));
  invocations.add(running);
  const stuck = async (): Promise<void> => {
    while (invocations.has(running) && performance.now() - lastSign < patienceMs) await sleep(20);
  };
  await Promise.race([running, stuck()]);
}
