import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { isatty } from 'node:tty';
import { KeyturnError } from '../errors.ts';

/** How a command ended: by an exit code or a signal. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A command to start. */
export interface Command {
  /** A path, or a name to find in `searchPath`. */
  readonly name: string;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Folders of programs, separated as in PATH. It is the caller's PATH, so that no secret decides which program is started. */
  readonly searchPath: string;
  /** `pipe`: the caller reads the command's output, and must do so. */
  readonly output: 'inherit' | 'pipe';
}

/** A command could not be started (code CommandNotStarted). `exitCode` as in shells: 127 not found, 126 not executable. */
export class CommandNotStarted extends KeyturnError {
  readonly exitCode: 126 | 127;

  constructor(name: string, reason: string, exitCode: 126 | 127, cause?: unknown) {
    const remedy =
      exitCode === 127 ? 'Check its name and PATH.' : 'Check that it is a program that you may run.';
    super('CommandNotStarted', `${name} can't be started: ${reason}.`, remedy, { cause });
    this.exitCode = exitCode;
  }
}

/**
 * Starts a command, without a shell.
 *
 * @throws CommandNotStarted
 */
export async function startCommand(command: Command): Promise<ChildProcess> {
  const { name, args, environment, output } = command;
  const program = findProgram(command);
  const child = spawn(program, [...args], {
    argv0: name,
    env: environment,
    stdio: ['inherit', output, output],
    shell: false,
  });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (error) => {
      const code = 'code' in error ? String(error.code) : '';
      const reason = code === 'E2BIG' ? 'environment and arguments together are too long (E2BIG)' : code;
      reject(new CommandNotStarted(name, reason, code === 'ENOENT' ? 127 : 126, error));
    });
  });
  return child;
}

/** Finds a program as POSIX does: the first executable one in the PATH. */
function findProgram({ name, searchPath }: Command): string {
  if (name.includes('/') || process.platform === 'win32') return name;
  let refused = false;
  for (const folder of searchPath.split(delimiter)) {
    const path = join(folder === '' ? '.' : folder, name);
    try {
      if (!statSync(path).isFile()) continue;
      accessSync(path, constants.X_OK);
      return path.startsWith('/') ? path : `./${path}`;
    } catch (error) {
      refused ||= error instanceof Error && 'code' in error && error.code === 'EACCES';
    }
  }
  throw refused
    ? new CommandNotStarted(name, 'no permission', 126)
    : new CommandNotStarted(name, 'there is no such program in PATH', 127);
}

/** Resolves when a child process has ended. */
export function ending(child: ChildProcess): Promise<Ended> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
}

/** Signals that are passed on to the command. */
const passedSignals = [
  'SIGINT',
  'SIGTERM',
  'SIGHUP',
  'SIGQUIT',
  'SIGUSR1',
  'SIGUSR2',
] as const satisfies NodeJS.Signals[];

/**
 * Catches the signals that are to be passed on, so that they don't end this process.
 *
 * @param onSignal its second argument tells whether the terminal has sent the signal to the command as well, as it does
 *   with Ctrl-C to all processes in its foreground. Then the signal must not be passed on
 * @returns a function that removes the listeners
 */
export function catchSignals(onSignal: (signal: NodeJS.Signals, isSentToAll: boolean) => void): () => void {
  const listeners = passedSignals.map((signal) => {
    const isKeyboards = signal === 'SIGINT' || signal === 'SIGQUIT';
    const listener = (): void => onSignal(signal, isKeyboards && isInForeground());
    process.on(signal, listener);
    return [signal, listener] as const;
  });
  return () => {
    for (const [signal, listener] of listeners) process.off(signal, listener);
  };
}

/** Whether the terminal sends the keyboard's signals to this process. @see https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html */
function isInForeground(): boolean {
  try {
    const stat = readFileSync('/proc/self/stat', 'utf8');
    // After the name in parentheses: state, parent, group, session, terminal, foreground group.
    const [, , group, , , foreground] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return group === foreground;
  } catch {
    return [0, 1, 2].some((descriptor) => isatty(descriptor));
  }
}
