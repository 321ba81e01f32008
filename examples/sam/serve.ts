import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { localSamEnvironment, root } from './program.ts';

export interface ServeSettings {
  readonly port: number;
  /** What buildFunction returned. */
  readonly samArguments: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Gets each line of SAM's output, including the function's log. */
  onLine(line: string): void;
}

/** Runs `sam local start-lambda` until `resources` are disposed. The function's container stays warm. */
export async function serveFunction(
  { port, samArguments, env, onLine }: ServeSettings,
  resources: AsyncDisposableStack,
  signal: AbortSignal,
): Promise<void> {
  const options = ['--port', String(port), '--warm-containers', 'EAGER', ...samArguments];
  const sam = spawn('sam', ['local', 'start-lambda', ...options], {
    cwd: root,
    env: localSamEnvironment(env),
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = once(sam, 'exit');
  resources.defer(async () => {
    // At this signal, SAM removes its containers.
    sam.kill('SIGINT');
    await ended;
  });
  let last = '';
  createInterface(sam.stderr).on('line', (line) => {
    last = line || last;
    onLine(line);
  });
  while (!(await answers(port))) {
    signal.throwIfAborted();
    if (sam.exitCode !== null) throw new Error(`sam local start-lambda has ended: ${last}`);
    await sleep(100);
  }
}

async function answers(port: number): Promise<boolean> {
  return fetch(`http://127.0.0.1:${port}/`).then(
    () => true,
    () => false,
  );
}
