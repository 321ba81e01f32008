import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

export interface RunOptions {
  readonly uid?: number;
  readonly gid?: number;
  readonly cwd: string;
  /** Ends the program and all its child processes. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Runs a program to its end. If it fails, the error has its stderr. After an abort it rejects once all its processes have
 * ended: the pipe closes with the last one.
 */
export async function runProgram(
  program: string,
  args: readonly string[],
  { signal, ...options }: RunOptions,
): Promise<void> {
  signal?.throwIfAborted();
  // A new process group can be killed as a whole. Windows has none.
  const detached = process.platform !== 'win32';
  const child = spawn(program, args, { ...options, detached, stdio: ['ignore', 'ignore', 'pipe'] });
  const kill = (): void => {
    if (detached && child.pid !== undefined) killGroup(child.pid);
    else child.kill();
  };
  signal?.addEventListener('abort', kill);
  try {
    const [said] = await Promise.all([text(child.stderr), once(child, 'close')]);
    signal?.throwIfAborted();
    if (child.exitCode !== 0) throw new Error(`${program} failed: ${said}`);
  } finally {
    signal?.removeEventListener('abort', kill);
  }
}

function killGroup(leader: number): void {
  try {
    process.kill(-leader, 'SIGKILL');
  } catch {
    // The program has just ended by itself.
  }
}
