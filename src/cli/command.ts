import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';

/** The program's exit codes. `attention`: the work was done, and it found a secret that somebody has to look after. */
export const exitCodes = { done: 0, failed: 1, usage: 2, attention: 3 } as const;

/** One command of the program. */
export interface Command {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** What `keyturn NAME --help` prints. */
  readonly help: string;
  /**
   * Does its work and gives the exit code.
   * @throws UsageError for arguments that it can't take; any other Error ends the program with its message
   */
  run(args: readonly string[]): Promise<number>;
}

/** The arguments are wrong; the message says how. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Reads a command's options, in any order with its operands. @throws TypeError of parseArgs; see {@link isUsageError} */
export function readCommandLine<const Options extends ParseArgsOptionsConfig>(
  args: readonly string[],
  options: Options,
) {
  return parseArgs({ args: [...args], allowPositionals: true, options });
}

/** Whether an error is about the user's arguments: a UsageError, or one of node:util's parseArgs. */
export function isUsageError(error: unknown): error is Error {
  if (error instanceof UsageError) return true;
  return error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS_');
}
