import { type LocalSecretsManager, startLocalSecretsManager } from '../../src/local/index.ts';
import { closedPort } from '../../test/support/closed-port.ts';
import { type PostgresServer, startPostgres } from '../../test/support/postgres-server.ts';
import { machine } from '../sam/reach.ts';
import { type VariableClock, variableClock } from './clock.ts';

/** The servers and the clock of the demo. */
export interface Environment {
  readonly postgres: PostgresServer;
  readonly local: LocalSecretsManager;
  readonly clock: VariableClock;
  /** The port of the Lambda Invoke API if the function runs in a container. */
  readonly lambdaPort: number | undefined;
}

export interface EnvironmentOptions {
  /** Whether the function runs elsewhere, behind a Lambda Invoke API. */
  readonly remoteFunction: boolean;
}

/** Starts both servers in parallel. A started server ends with `resources`, even if the other one has failed. */
export async function startEnvironment(
  { remoteFunction }: EnvironmentOptions,
  resources: AsyncDisposableStack,
  signal: AbortSignal,
): Promise<Environment> {
  const clock = variableClock();
  const lambdaPort = remoteFunction ? await closedPort() : undefined;
  const remote =
    lambdaPort === undefined
      ? {}
      : { lambdaEndpoint: `http://127.0.0.1:${lambdaPort}`, hostNames: [machine] };
  const starts = [startPostgres({ signal }), startLocalSecretsManager({ clock, ...remote })] as const;
  const [postgres, local] = await Promise.allSettled(starts);
  if (postgres.status === 'fulfilled') resources.defer(() => postgres.value.stop());
  // Last in, first out: PostgreSQL ends when no rotation is under way.
  if (local.status === 'fulfilled') resources.defer(() => local.value.close());
  signal.throwIfAborted();
  return { postgres: await starts[0], local: await starts[1], clock, lambdaPort };
}
