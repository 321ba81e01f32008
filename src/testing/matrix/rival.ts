import { setTimeout as sleep } from 'node:timers/promises';
import type { RotationRequest } from '../../local/index.ts';
import type { Checkpoint } from './faults.ts';
import type { TestFunction } from './function.ts';
import { isRead } from './secrets-manager.ts';

export interface RivalParts {
  readonly event: RotationRequest;
  readonly start: (checkpoint: Checkpoint) => Promise<TestFunction>;
  readonly trace: string[];
  /** Holds each second invocation as long as it runs. */
  readonly rivals: Set<Promise<void>>;
  remember(): Promise<void>;
  look(): Promise<void>;
}

/** After so many ms without a sign, a second invocation is taken to wait for the first, by a lock at the target. */
const patienceMs = 300;

/** Runs a second invocation of a step, to its end or until it can't go on before the first does. */
export async function startRival({ event, start, trace, rivals, remember, look }: RivalParts): Promise<void> {
  let lastSign = performance.now();
  const rival = await start({
    before: async ({ to, name }) => {
      lastSign = performance.now();
      trace.push(`      second invocation: ${to} ${name}`);
      if (to === 'Secrets Manager' && !isRead(name)) await remember();
      return undefined;
    },
    after: async () => {
      lastSign = performance.now();
      await look();
    },
  });
  const running = rival
    .invoke(event)
    // What it comes to is not heard: Secrets Manager waits for the first.
    .catch((error: unknown) => {
      trace.push(`      second invocation failed: ${error instanceof Error ? error.message : error}`);
    })
    .then(() => rival.end())
    .finally(() => rivals.delete(running));
  rivals.add(running);
  const stuck = async (): Promise<void> => {
    while (rivals.has(running) && performance.now() - lastSign < patienceMs) await sleep(20);
  };
  await Promise.race([running, stuck()]);
}
