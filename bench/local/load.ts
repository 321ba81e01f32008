import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Load, LoadResult } from './generator.ts';

export type { Load, LoadResult } from './generator.ts';

/** A load generator in its own process, so that it slows down neither the server nor the bench. */
export interface Generator {
  /** Runs a load. @throws Error if the server can't be reached */
  run(load: Load): Promise<LoadResult>;
  stop(): void;
}

export function startGenerator(): Generator {
  const child = fork(fileURLToPath(new URL('./generator.ts', import.meta.url)), { execArgv: [] });
  return {
    async run(load) {
      const answered = once(child, 'message');
      child.send(load);
      const [answer]: { result?: LoadResult; failure?: string }[] = await answered;
      const { result, failure } = answer ?? {};
      if (!result) throw new Error(`${load.operation} failed: ${failure}`);
      return result;
    },
    stop: () => void child.kill(),
  };
}
