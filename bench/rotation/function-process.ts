import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';

/** The command that starts a rotation function. It runs runtime.js or runtime.py, which get events on stdin. */
export interface FunctionCommand {
  readonly program: string;
  readonly args: readonly string[];
}

/** A rotation function in its own process. */
export interface FunctionProcess {
  /** Calls the function and waits for its end. @throws Error if it fails */
  invoke(event: object): Promise<void>;
  /** The process's peak resident memory so far, in MiB; undefined if the system does not tell. */
  peakMemoryMiB(): Promise<number | undefined>;
  /** Ends its input, and waits for its exit. */
  end(): Promise<void>;
}

/** Starts a function. Its log is dropped, and its errors go to stderr. */
export function startFunction(
  { program, args }: FunctionCommand,
  variables: Readonly<Record<string, string>>,
): FunctionProcess {
  const child = spawn(program, [...args], { env: variables, stdio: ['pipe', 'ignore', 'inherit', 'pipe'] });
  const { stdin } = child;
  const [, , , pipe] = child.stdio;
  if (stdin === null || !(pipe instanceof Readable)) throw new Error(`${program} has no pipes.`);
  // If the process has ended, its answers end too.
  stdin.on('error', () => undefined);
  const answers = createInterface({ input: pipe })[Symbol.asyncIterator]();
  const exited = once(child, 'exit');
  return {
    invoke: async (event) => {
      stdin.write(`${JSON.stringify(event)}\n`);
      const { value, done } = await answers.next();
      if (done) throw new Error(`${program} ended before it had answered.`);
      const { error }: { error?: string } = JSON.parse(value);
      if (error !== undefined) throw new Error(error);
    },
    // getrusage() is not used: a new process inherits the maximum of its parent there.
    peakMemoryMiB: async () => {
      const status = await readFile(`/proc/${child.pid}/status`, 'utf8').catch(() => '');
      const kiB = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1];
      return kiB === undefined ? undefined : Number(kiB) / 1024;
    },
    end: async () => {
      stdin.end();
      await exited;
    },
  };
}
