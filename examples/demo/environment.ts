import { type LocalSecretsManager, startLocalSecretsManager } from '../../src/local/index.ts';
import { type PostgresServer, startPostgres } from '../../test/support/postgres-server.ts';
import { type VariableClock, variableClock } from './clock.ts';

/** What the demo runs on. */
export interface Environment {
  readonly postgres: PostgresServer;
  readonly local: LocalSecretsManager;
  readonly clock: VariableClock;
}

/** Starts both servers at once; whichever has started ends with `resources`, also when the other has failed. */
export async function startEnvironment(
  resources: AsyncDisposableStack,
  signal: AbortSignal,
): Promise<Environment> {
  const clock = variableClock();
  const starts = [startPostgres({ signal }), startLocalSecretsManager({ clock })] as const;
  const [postgres, local] = await Promise.allSettled(starts);
  if (postgres.status === 'fulfilled') resources.defer(() => postgres.value.stop());
  // Last in, first out: no rotation is under way any more when PostgreSQL goes.
  if (local.status === 'fulfilled') resources.defer(() => local.value.close());
  signal.throwIfAborted();
  return { postgres: await starts[0], local: await starts[1], clock };
}
