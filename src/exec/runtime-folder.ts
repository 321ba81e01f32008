import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { chmod, lstat, mkdtemp, readdir, rm, statfs } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { KeyturnError } from '../errors.ts';

const namePrefix = 'keyturn-exec-';
const socketName = '.alive';
/** A folder that is younger than this, in ms, may have no socket yet, because its process is just starting. */
const startMs = 60_000;

/** @see https://man7.org/linux/man-pages/man2/statfs.2.html TMPFS_MAGIC, RAMFS_MAGIC */
const memoryFileSystems = new Set([0x01021994, 0x858458f6]);

/** A folder for files with secret values, which is removed at the end of its process. */
export interface RuntimeFolder {
  readonly path: string;
  /** Removes the folder and its files. */
  remove(): void;
}

/**
 * Finds the first of some folders that is in memory.
 *
 * @throws OutputFailed if none is
 */
export async function findMemoryFolder(candidates: readonly (string | undefined)[]): Promise<string> {
  for (const candidate of candidates) {
    if (candidate === undefined || candidate === '') continue;
    const found = await statfs(candidate).catch(() => undefined);
    if (found !== undefined && memoryFileSystems.has(found.type)) return candidate;
  }
  throw new KeyturnError(
    'OutputFailed',
    'This machine has no folder in memory (tmpfs) for the files.',
    'Name a folder with --files-in, on an encrypted disk if you can; the files are removed at the end.',
  );
}

/**
 * Makes a folder that only this user can read. The process listens on a socket in it, which the system closes however the
 * process ends. So the next start can tell whether the folder is still in use, even from another container.
 *
 * @throws OutputFailed
 */
export async function makeRuntimeFolder(parent: string): Promise<RuntimeFolder> {
  try {
    const path = await mkdtemp(join(resolve(parent), namePrefix));
    await chmod(path, 0o700);
    const server = createServer((socket) => socket.destroy());
    server.unref();
    server.listen(join(path, socketName));
    await once(server, 'listening');
    return {
      path,
      remove: () => {
        rmSync(path, { recursive: true, force: true });
        server.close();
      },
    };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'an error';
    throw new KeyturnError(
      'OutputFailed',
      `No folder for the files can be made in ${parent} (${code}).`,
      'Name another one with --files-in.',
      { cause: error },
    );
  }
}

/** Removes the folders of this user whose processes were killed. */
export async function removeLeftovers(parents: readonly (string | undefined)[]): Promise<void> {
  for (const parent of new Set(parents)) {
    if (parent === undefined || parent === '') continue;
    const names = await readdir(parent).catch(() => []);
    for (const name of names.filter((found) => found.startsWith(namePrefix))) {
      const path = join(resolve(parent), name);
      if (await isLeftover(path)) await rm(path, { recursive: true, force: true }).catch(() => undefined);
    }
  }
}

async function isLeftover(path: string): Promise<boolean> {
  const folder = await lstat(path).catch(() => undefined);
  if (folder?.isDirectory() !== true || folder.uid !== process.getuid?.()) return false;
  const socket = await lstat(join(path, socketName)).catch(() => undefined);
  if (socket === undefined) return Date.now() - folder.ctimeMs > startMs;
  return !(await answers(join(path, socketName)));
}

async function answers(path: string): Promise<boolean> {
  const socket = connect(path);
  try {
    await once(socket, 'connect');
    return true;
  } catch (error) {
    // Only a refused connection proves that the process has ended.
    return !(error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED');
  } finally {
    socket.destroy();
  }
}
