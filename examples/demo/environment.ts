import { type LocalSecretsManager, startLocalSecretsManager } from '../../src/local/index.ts';
import { freePort, type PostgresServer, startPostgres } from '../../test/support/postgres-server.ts';
import { machine } from '../sam/reach.ts';
import { type VariableClock, variableClock } from './clock.ts';

/** What the demo runs on. */
export interface Environment {
  readonly postgres: PostgresServer;
  readonly local: LocalSecretsManager;
  readonly clock: VariableClock;
  /** Where functions are asked for that run elsewhere: a port of this machine. */
  readonly lambdaPort: number | undefined;
}

export interface EnvironmentOptions {
  /** Whether the function runs elsewhere, behind a Lambda Invoke API. */
  readonly remoteFunction: boolean;
}

/** Starts both servers at once; whichever has started ends with `resources`, also when the other has failed. */
export async function startEnvironment(
  { remoteFunction }: EnvironmentOptions,
  resources: AsyncDisposableStack,
  signal: AbortSignal,
): Promise<Environment> {
  const clock = variableClock();
  const lambdaPort = remoteFunction ? await freePort() : undefined;
  const remote =
    lambdaPort === undefined
      ? {}
      : { lambdaEndpoint: `http://127.0.0.1:${lambdaPort}`, hostNames: [machine] };
  const starts = [startPostgres({ signal }), startLocalSecretsManager({ clock, ...remote })] as const;
  const [postgres, local] = await Promise.allSettled(starts);
  if (postgres.status === 'fulfilled') resources.defer(() => postgres.value.stop());
  // Last in, first out: no rotation is under way any more when PostgreSQL goes.
  if (local.status === 'fulfilled') resources.defer(() => local.value.close());
  signal.throwIfAborted();
  return { postgres: await starts[0], local: await starts[1], clock, lambdaPort };
}
