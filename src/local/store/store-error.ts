/**
 * The store can't do its work: its disk is full or broken, or one of its files is damaged. The message names the file
 * and says what to do; it holds nothing of what was to be stored.
 */
export class StoreError extends Error {
  override readonly name = 'StoreError';
}

/** What was read from the store is not what was written there. */
export class DamagedRow extends Error {
  override readonly name = 'DamagedRow';
}

/** The error for a damaged file of a data folder. */
export function damaged(path: string, cause?: unknown): StoreError {
  return new StoreError(
    `${path} is damaged. Put back a copy of the whole folder, or move the folder away to begin with an empty one.`,
    { cause },
  );
}

/** @see https://www.sqlite.org/rescode.html */
const SQLITE = { ioError: 10, corrupt: 11, full: 13, notADatabase: 26 };

/** The StoreError for what SQLite, the disk or a row of the database at `path` threw; any other error as it is. */
export function explainStoreFailure(error: unknown, path: string): unknown {
  if (error instanceof DamagedRow) return damaged(path, error);
  if (!(error instanceof Error)) return error;
  // An extended code of SQLite's has its primary one in the lowest byte.
  const sqliteCode = 'errcode' in error ? Number(error.errcode) & 0xff : undefined;
  if (sqliteCode === SQLITE.corrupt || sqliteCode === SQLITE.notADatabase) return damaged(path, error);
  if (sqliteCode === SQLITE.full || ('code' in error && error.code === 'ENOSPC')) {
    return new StoreError(`The disk of ${path} is full: nothing was stored. Make room, and try again.`, {
      cause: error,
    });
  }
  if (sqliteCode === SQLITE.ioError) {
    return new StoreError(`${path} can't be read or written: look at its disk. Nothing was stored.`, {
      cause: error,
    });
  }
  return error;
}
