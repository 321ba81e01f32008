import { randomBytes } from 'node:crypto';
import { unlinkSync } from 'node:fs';
import { constants, type FileHandle, lstat, open, readdir, rename, unlink } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { KeyturnError } from '../errors.ts';

/** How old a draft must be, in ms, to be removed. Its process must also be gone. */
const leftoverAgeMs = 60_000;

/**
 * Replaces a file atomically. The new file is written beside it with mode 0600, and renamed when it is on the disk. A
 * symbolic link is replaced and not followed, so that nobody can redirect the write. After an error, or a signal that ends
 * the process, the old file is as before.
 *
 * @throws OutputFailed
 */
export async function replaceFile(path: string, content: Uint8Array): Promise<void> {
  const target = resolve(path);
  const folder = dirname(target);
  await requireReplaceable(path, target);
  await removeLeftovers(folder);
  const draft = join(folder, `.keyturn-${process.pid}-${randomBytes(8).toString('hex')}.tmp`);
  const forget = removeOnSignal(draft);
  try {
    await writeDraft(draft, content);
    await rename(draft, target);
  } catch (error) {
    await unlink(draft).catch(() => undefined);
    throw outputFailed(path, error);
  } finally {
    forget();
  }
  // Not every file system can sync a folder. The file itself is on the disk.
  await synced(await open(folder, constants.O_RDONLY).catch(() => undefined)).catch(() => undefined);
}

async function writeDraft(draft: string, content: Uint8Array): Promise<void> {
  const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
  const file = await open(draft, O_WRONLY | O_CREAT | O_EXCL | (O_NOFOLLOW ?? 0), 0o600);
  try {
    await file.chmod(0o600);
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function synced(file: FileHandle | undefined): Promise<void> {
  try {
    await file?.sync();
  } finally {
    await file?.close();
  }
}

async function requireReplaceable(path: string, target: string): Promise<void> {
  const found = await lstat(target).catch(() => undefined);
  if (found === undefined || found.isFile() || found.isSymbolicLink()) return;
  throw new KeyturnError(
    'OutputFailed',
    `${path} is ${found.isDirectory() ? 'a folder' : 'no regular file'}.`,
    found.isDirectory()
      ? `Name the file in it, such as ${join(path, basename(path))}.`
      : 'To write into a pipe or a device, use --stdout.',
  );
}

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Removes a file when a signal ends the process. @returns a function that removes the listeners */
function removeOnSignal(path: string): () => void {
  const listeners = signals.map((signal) => {
    const listener = (): void => {
      forget();
      try {
        unlinkSync(path);
      } catch {
        // The file is not made yet, or has its final name already.
      }
      process.kill(process.pid, signal);
    };
    process.once(signal, listener);
    return [signal, listener] as const;
  });
  const forget = (): void => {
    for (const [signal, listener] of listeners) process.off(signal, listener);
  };
  return forget;
}

/** Removes the files of this user's killed processes, since they hold secret values. */
async function removeLeftovers(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names) {
    const pid = Number(/^\.keyturn-(\d+)-[\da-f]{16}\.tmp$/.exec(name)?.[1]);
    if (Number.isNaN(pid) || isRunning(pid)) continue;
    const path = join(folder, name);
    const found = await lstat(path).catch(() => undefined);
    const isOurs = found?.isFile() === true && found.uid === process.getuid?.();
    if (isOurs && Date.now() - found.mtimeMs > leftoverAgeMs) await unlink(path).catch(() => undefined);
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

const remedies: Readonly<Record<string, string>> = {
  ENOSPC: 'The disk is full: make room, and try again.',
  EDQUOT: 'Your quota of the disk is used up: make room, and try again.',
  EROFS: 'The file system is read-only: write to another folder.',
  EACCES: 'You may not write to its folder: have this allowed, or write to another one.',
  EPERM: 'You may not write to its folder: have this allowed, or write to another one.',
  ENOENT: 'Its folder does not exist: make it first.',
  ENOTDIR: 'A part of its path is a file, and no folder: correct the path.',
  EEXIST: 'A part of its path is a file, and no folder: correct the path.',
  ENAMETOOLONG: 'Give it a shorter name.',
};

/** The error for an output that can't be written. */
export function outputFailed(path: string, cause: unknown): KeyturnError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'an error';
  return new KeyturnError(
    'OutputFailed',
    `${path} can't be written (${code}); what was there before is as it was.`,
    remedies[code] ?? 'Correct this, and try again.',
    { cause },
  );
}
