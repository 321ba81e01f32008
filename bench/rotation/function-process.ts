import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';

/** How a rotation function is started: a runtime that takes events on stdin, see runtime.js and runtime.py. */
export interface FunctionCommand {
  readonly program: string;
  readonly args: readonly string[];
}

/** A rotation function in a process of its own. */
export interface FunctionProcess {
  /** Calls the function and waits for its end. @throws Error when it fails */
  invoke(event: object): Promise<void>;
  /** The most memory that the process has had resident so far, in MiB; undefined where the system does not tell. */
  peakMemoryMiB(): Promise<number | undefined>;
  /** Tells it that no event will come any more, and waits for its exit. */
  end(): Promise<void>;
}

/** Starts a function; its log is dropped, and what it complains about goes to stderr. */
export function startFunction(
  { program, args }: FunctionCommand,
  variables: Readonly<Record<string, string>>,
): FunctionProcess {
  const child = spawn(program, [...args], { env: variables, stdio: ['pipe', 'ignore', 'inherit', 'pipe'] });
  const { stdin } = child;
  const [, , , pipe] = child.stdio;
  if (stdin === null || !(pipe instanceof Readable)) throw new Error(`${program} has no pipes.`);
  // A process that has ended shows in its answers, which end too.
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
    // Not the maximum of getrusage(), which a process inherits from the one that has spawned it.
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
