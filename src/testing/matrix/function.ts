import { SecretsManagerClient, type SecretsManagerClientConfig } from '@aws-sdk/client-secrets-manager';
import { createRotationHandler, type RotationHandler } from '../../handler.ts';
import { Crash } from './faults.ts';
import { interceptFetch, withOwnFetch } from './fetch.ts';
import type { Lifetime } from './pass.ts';
import { interceptSecretsManager } from './secrets-manager.ts';
import { interceptTarget, type TargetParts } from './target.ts';

/** A function whose every remote call passes a checkpoint. */
export interface TestFunction {
  /** Calls it as Lambda does. Rejects if the handler does. */
  invoke(event: unknown): Promise<void>;
  /** Kills its process, or what stands for one: no further call of it is carried out. */
  kill(): Promise<void>;
  /** Releases it after use. */
  end(): Promise<void>;
}

/** What a function under test needs. */
export interface TestFunctionParts extends TargetParts {
  readonly clientConfig: SecretsManagerClientConfig;
}

/** Time of an invocation in ms. It is long, so that only the fault `time-out` ends it, and never a busy machine. */
export const plentyMs = 300_000;

/** Makes a function in this process. A crash is simulated: from then on, none of its calls is carried out. */
export function createTestFunction(given: TestFunctionParts): TestFunction {
  const parts = { ...given, checkpoint: withOwnFetch(given.checkpoint) };
  let dead = false;
  let invocation = new AbortController();
  const lifetime: Lifetime = {
    get signal() {
      return invocation.signal;
    },
    get dead() {
      return dead;
    },
    expire: () => {
      const error = new Error("The function's time ran out.");
      invocation.abort(error);
      return error;
    },
  };
  const target = interceptTarget(parts, lifetime);
  const kill = async (): Promise<void> => {
    dead = true;
    client.destroy();
    await target.drop();
  };
  const client = new SecretsManagerClient(parts.clientConfig);
  interceptSecretsManager(client, parts.checkpoint, lifetime);
  const handler: RotationHandler = createRotationHandler({
    rotators: [target.rotator],
    client,
    environment: {},
    configuration: { defaultRotator: parts.rotator.name },
  });

  return {
    kill,
    end: kill,
    invoke: async (event) => {
      if (dead) throw new Crash();
      invocation = new AbortController();
      const context = { getRemainingTimeInMillis: () => plentyMs, signal: invocation.signal };
      await interceptFetch({ ...parts, lifetime }, () => handler(event, context));
    },
  };
}
