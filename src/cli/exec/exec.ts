import { constants } from 'node:os';
import { isKeyturnError, type KeyturnError } from '../../errors.ts';
import { CommandNotStarted } from '../../exec/command.ts';
import { type Execution, execute } from '../../exec/run.ts';
import { findMemoryFolder, removeLeftovers } from '../../exec/runtime-folder.ts';
import { createResolver } from '../../render/secrets.ts';
import { exitCodes } from '../command.ts';
import { maskingSystem, registerMasks } from '../masking.ts';
import { printable } from '../printable.ts';
import { createSecretSource } from '../secret-source.ts';
import { type ExecProblem, ExecProblems, prepare } from './prepare.ts';
import type { ExecWork } from './work.ts';

/** Runs the command. @returns its exit code, or keyturn's own */
export async function exec(work: ExecWork): Promise<number> {
  try {
    const { code, signal } = await execute(await executionOf(work, process.env));
    return signal === null ? (code ?? exitCodes.failed) : endBy(signal);
  } catch (error) {
    if (!isKeyturnError(error)) throw error;
    report(work, error);
    return error instanceof CommandNotStarted ? error.exitCode : exitCodes.failed;
  }
}

/** Signals that only end a process. Others also dump its memory, which holds the values of secrets. */
const plainSignals: readonly NodeJS.Signals[] = [
  'SIGHUP',
  'SIGINT',
  'SIGKILL',
  'SIGPIPE',
  'SIGALRM',
  'SIGTERM',
  'SIGUSR1',
  'SIGUSR2',
];

/**
 * Ends by the same signal as the command, so that the caller sees the same end. For a signal that would dump the memory,
 * it returns the exit code of a shell instead: 128 and the signal's number.
 */
function endBy(signal: NodeJS.Signals): number {
  if (plainSignals.includes(signal)) process.kill(process.pid, signal);
  return 128 + constants.signals[signal];
}

function report({ json }: ExecWork, error: KeyturnError): void {
  const { code, message } = error;
  if (json) {
    const document = { outcome: 'failed', error: { code, message }, problems: problemsIn(error) };
    process.stdout.write(`${JSON.stringify(document)}\n`);
    return;
  }
  listProblems(error);
  process.stderr.write(`keyturn exec: ${code}: ${printable(message)}\n`);
}

function problemsIn(error: KeyturnError): readonly ExecProblem[] {
  return error instanceof ExecProblems ? error.problems : [];
}

function listProblems(error: KeyturnError): void {
  for (const { where, code, message, reference } of problemsIn(error)) {
    const about = reference === undefined ? '' : `${reference}: `;
    process.stderr.write(`${printable(`${where}: ${code}: ${about}${message}`)}\n`);
  }
}

function note(text: string): void {
  process.stderr.write(`keyturn exec: ${printable(text)}\n`);
}

async function executionOf(work: ExecWork, environment: NodeJS.ProcessEnv): Promise<Execution> {
  const parents = [work.filesIn, environment.XDG_RUNTIME_DIR, '/dev/shm'];
  await removeLeftovers(parents);
  const source = createSecretSource(work, environment);
  const base = Object.entries(environment).filter(([name]) => !work.pristine || work.keep.includes(name));
  return {
    name: work.command,
    args: work.commandArgs,
    environment: Object.fromEntries(
      base.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
    ),
    searchPath: environment.PATH ?? '',
    prepare: async () => {
      const { prepared, credentials } = await prepare(work, createResolver(source));
      registerMasks(maskingSystem(environment), work.masks, credentials);
      return prepared;
    },
    filesIn: work.files.length === 0 ? undefined : (work.filesIn ?? (await findMemoryFolder(parents))),
    onRotation: work.onRotation,
    source,
    pollMs: work.pollMs,
    graceMs: work.graceMs,
    filterOutput: work.maskOutput,
    note,
    noteUnusable: (error) => {
      const reason = error instanceof ExecProblems ? 'Correct this:' : error.message;
      note(`the secrets can't be used now, and the command goes on with what it has. ${reason}`);
      listProblems(error);
    },
  };
}
