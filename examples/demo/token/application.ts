import { setTimeout as sleep } from 'node:timers/promises';
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { readToken } from './secret.ts';
import type { TokenServer } from './server.ts';

/** An application that keeps reading the secret and calling the server with it. */
export interface Application {
  /** Ends it. @returns how often it called and was refused */
  stop(): Promise<{ readonly calls: number; readonly refusedCalls: number }>;
}

/** Time between two calls in ms. */
const pauseMs = 2;

export function startApplication(client: SecretsManagerClient, server: TokenServer): Application {
  let calls = 0;
  let refusedCalls = 0;
  let isStopped = false;
  const call = async (): Promise<void> => {
    while (!isStopped) {
      calls += 1;
      if (!(await server.accepts(await readToken(client, 'AWSCURRENT')))) refusedCalls += 1;
      await sleep(pauseMs);
    }
  };
  const running = call();
  // stop() rejects with the error.
  running.catch(() => undefined);
  return {
    stop: async () => {
      isStopped = true;
      await running;
      return { calls, refusedCalls };
    },
  };
}
