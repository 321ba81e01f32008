import { constants } from 'node:os';

const endingSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** A signal ended the program early. */
class Interrupted extends Error {
  readonly exitCode: number;
  constructor(signal: (typeof endingSignals)[number]) {
    super(`Ended by ${signal}.`);
    // The exit code that shells report for a process that was ended by a signal.
    this.exitCode = 128 + constants.signals[signal];
  }
}

/** A program of the examples. */
export interface Program<Arguments extends { readonly help: boolean }> {
  readonly name: string;
  readonly help: string;
  /** @throws Error with one line that says what is wrong */
  readArguments(args: readonly string[]): Arguments;
  /** Does the work. `ending` is aborted when a signal asks the program to end. @returns the exit code */
  run(args: Arguments, ending: AbortSignal): Promise<number>;
}

/** Runs a program by its command line. @returns the exit code: 2 for wrong arguments, 1 for a failure */
export async function runProgram<Arguments extends { readonly help: boolean }>(
  program: Program<Arguments>,
  commandLine: readonly string[],
): Promise<number> {
  const complain = (error: unknown, exitCode: number): number => {
    process.stderr.write(`${program.name}: ${error instanceof Error ? error.message : String(error)}\n`);
    return exitCode;
  };
  let args: Arguments;
  try {
    args = program.readArguments(commandLine);
  } catch (error) {
    return complain(error, 2);
  }
  if (args.help) {
    process.stdout.write(program.help);
    return 0;
  }
  const ending = listenForTheEnd();
  try {
    return await program.run(args, ending);
  } catch (error) {
    // process.exit() does not wait for calls that are still under way.
    if (ending.reason instanceof Interrupted) process.exit(ending.reason.exitCode);
    return complain(error, 1);
  }
}

/** Aborts at the first signal. It keeps listening, because npm repeats a Ctrl-C that the terminal has already sent. */
function listenForTheEnd(): AbortSignal {
  const ending = new AbortController();
  for (const signal of endingSignals) process.on(signal, () => ending.abort(new Interrupted(signal)));
  process.on('uncaughtException', (error) => ending.abort(error));
  // The reader of our output may close it early.
  process.stdout.on('error', () => undefined);
  return ending.signal;
}

/** Rejects with the reason when the signal is aborted. */
export function rejectionOf(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const end = (): void => reject(signal.reason);
    if (signal.aborted) end();
    signal.addEventListener('abort', end, { once: true });
  });
}
