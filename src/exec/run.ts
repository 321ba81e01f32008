import type { ChildProcess } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { isKeyturnError, type KeyturnError } from '../errors.ts';
import { outputFailed, replaceFile } from '../render/output-file.ts';
import type { ReadVersion, SecretSource } from '../render/secrets.ts';
import { catchSignals, type Ended, ending, startCommand } from './command.ts';
import { filesVariable } from './files-variable.ts';
import { createOutputFilter } from './output-filter.ts';
import type { RotationAction } from './rotation-actions.ts';
import { makeRuntimeFolder, type RuntimeFolder } from './runtime-folder.ts';

/** The variables and files that a command gets, made from one reading of the secrets. */
export interface Prepared {
  readonly variables: Readonly<Record<string, string>>;
  /** Each `path` is relative to the folder of the files. */
  readonly files: readonly { readonly path: string; readonly content: Uint8Array }[];
  /** Texts that the command's output must not show. */
  readonly hidden: readonly string[];
  readonly versions: readonly ReadVersion[];
}

/** A command, and how it is run. */
export interface Execution {
  readonly name: string;
  readonly args: readonly string[];
  /** The variables that don't come from secrets. Those from secrets override them. */
  readonly environment: Readonly<Record<string, string>>;
  /** Folders in which the command is looked for, separated as in PATH. */
  readonly searchPath: string;
  /** Reads the secrets. @throws KeyturnError if one can't be read or used */
  prepare(): Promise<Prepared>;
  /** The folder in which the folder for files is made; undefined if there are no files. */
  readonly filesIn: string | undefined;
  readonly onRotation: RotationAction;
  readonly source: SecretSource;
  /** How often secrets are read again, in ms. */
  readonly pollMs: number;
  /** How long the command has to end before a restart, in ms. */
  readonly graceMs: number;
  /** Whether credentials in the command's output are masked. */
  readonly filterOutput: boolean;
  /** Shows a message to the user. */
  note(text: string): void;
  /** Shows the user why new values can't be read or used. The command goes on with the old ones. */
  noteUnusable(error: KeyturnError): void;
}

/**
 * Runs a command with secrets in its environment and its files. It passes signals on, and acts on rotations.
 *
 * @throws what `prepare` throws; CommandNotStarted; OutputFailed if the files can't be written
 */
export async function execute(execution: Execution): Promise<Ended> {
  const prepared = await execution.prepare();
  let child: ChildProcess | undefined;
  let missed: NodeJS.Signals | undefined;
  let isRestarting = true;
  let isToEnd = false;
  const release = catchSignals((signal, isSentToAll) => {
    // To a running command, the others may mean something else: read the configuration again, say what the threads do.
    isToEnd ||= signal === 'SIGTERM' || (isRestarting && endingSignals.includes(signal));
    if (child === undefined) missed = signal;
    else if (!isSentToAll) child.kill(signal);
  });
  const folder = execution.filesIn === undefined ? undefined : await makeRuntimeFolder(execution.filesIn);
  const removeFolder = (): void => folder?.remove();
  process.once('exit', removeFolder);
  try {
    let current = prepared;
    await writeFiles(folder, current);
    for (;;) {
      if (isToEnd && missed !== undefined) return { code: null, signal: missed };
      const started = await start(execution, current, folder);
      child = started.child;
      isRestarting = false;
      if (missed !== undefined) child.kill(missed);
      missed = undefined;
      const next = await waitForEndOrRotation(execution, current, folder, started.ended, child);
      if (!('restart' in next)) return next;
      current = next.restart;
      isRestarting = true;
      const ended = await stop(child, started.ended, execution.graceMs);
      if (isToEnd) return ended;
      child = undefined;
    }
  } finally {
    release();
    process.off('exit', removeFolder);
    removeFolder();
  }
}

const endingSignals: readonly NodeJS.Signals[] = ['SIGINT', 'SIGQUIT', 'SIGHUP'];

/** @throws OutputFailed */
async function writeFiles(folder: RuntimeFolder | undefined, { files }: Prepared): Promise<void> {
  if (folder === undefined) return;
  for (const { path, content } of files) {
    const target = join(folder.path, path);
    try {
      await mkdir(dirname(target), { recursive: true, mode: 0o700 });
    } catch (error) {
      throw outputFailed(target, error);
    }
    await replaceFile(target, content);
  }
}

interface Started {
  readonly child: ChildProcess;
  /** Resolves when it has ended and all of its output is written. */
  readonly ended: Promise<Ended>;
}

async function start(
  { name, args, environment, searchPath, filterOutput }: Execution,
  { variables, hidden }: Prepared,
  folder: RuntimeFolder | undefined,
): Promise<Started> {
  const files: Record<string, string> = folder === undefined ? {} : { [filesVariable]: folder.path };
  const child = await startCommand({
    name,
    args,
    searchPath,
    environment: { ...environment, ...variables, ...files },
    output: filterOutput ? 'pipe' : 'inherit',
  });
  const ended = ending(child);
  const outputs = [
    [child.stdout, process.stdout],
    [child.stderr, process.stderr],
  ] as const;
  const written = outputs.map(async ([from, to]) => {
    // The reader of our output may close it before the command ends.
    if (from !== null)
      await pipeline(
        from,
        createOutputFilter(() => hidden),
        to,
        { end: false },
      ).catch(() => undefined);
  });
  return { child, ended: Promise.all([ended, ...written]).then(([how]) => how) };
}

/** Waits for the command's end, or for a rotation after which it must be restarted. After a rotation it writes the files. */
async function waitForEndOrRotation(
  execution: Execution,
  first: Prepared,
  folder: RuntimeFolder | undefined,
  ended: Promise<Ended>,
  child: ChildProcess,
): Promise<Ended | { readonly restart: Prepared }> {
  const { onRotation, note, noteUnusable } = execution;
  if (onRotation === 'none') return ended;
  const over = new AbortController();
  const end = ended.finally(() => over.abort());
  let current = first;
  for (;;) {
    const change = nextRotation(execution, current, over.signal);
    const next = await Promise.race([end, change]);
    if (next === undefined) return end;
    if (!('versions' in next)) return next;
    try {
      await writeFiles(folder, next);
    } catch (error) {
      if (!isKeyturnError(error)) throw error;
      noteUnusable(error);
      continue;
    }
    current = next;
    if (onRotation === 'restart') {
      note(`a secret was rotated: ${execution.name} is restarted`);
      return { restart: current };
    }
    note(`a secret was rotated: SIGHUP is sent to ${execution.name}`);
    child.kill('SIGHUP');
  }
}

/** Reads the secrets until one of them has another version; undefined once the command has ended. */
async function nextRotation(
  { source, pollMs, prepare, noteUnusable }: Execution,
  { versions }: Prepared,
  signal: AbortSignal,
): Promise<Prepared | undefined> {
  for (;;) {
    try {
      await sleep(pollMs, undefined, { signal });
      for (const { secret, version, versionId } of versions) {
        if ((await source.read(secret, version)).versionId !== versionId) return await prepare();
      }
    } catch (error) {
      if (signal.aborted) return undefined;
      if (!isKeyturnError(error)) throw error;
      noteUnusable(error);
    }
  }
}

/** Ends a command for a restart: with SIGTERM, and with SIGKILL after the grace period. */
async function stop(child: ChildProcess, ended: Promise<Ended>, graceMs: number): Promise<Ended> {
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
  try {
    return await ended;
  } finally {
    clearTimeout(timer);
  }
}
