/**
 * The store can't work: its disk is full or broken, or one of its files is damaged. The message names the file and says what to
 * do. It has nothing of the data.
 */
export class StoreError extends Error {
  override readonly name = 'StoreError';
}

/** A row of the store is not as it was written. */
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
const sqliteCodes = {
  permission: 3,
  readOnly: 8,
  ioError: 10,
  corrupt: 11,
  full: 13,
  cantOpen: 14,
  notADatabase: 26,
};

type Kind = 'damaged' | 'full' | 'read-only' | 'broken';

const kindBySqlite: Readonly<Record<number, Kind>> = {
  [sqliteCodes.permission]: 'read-only',
  [sqliteCodes.readOnly]: 'read-only',
  [sqliteCodes.cantOpen]: 'read-only',
  [sqliteCodes.ioError]: 'broken',
  [sqliteCodes.corrupt]: 'damaged',
  [sqliteCodes.notADatabase]: 'damaged',
  [sqliteCodes.full]: 'full',
};

const kindBySystem: Readonly<Record<string, Kind>> = {
  EACCES: 'read-only',
  EDQUOT: 'full',
  EIO: 'broken',
  ENOSPC: 'full',
  EPERM: 'read-only',
  EROFS: 'read-only',
};

/**
 * The StoreError for a failure of SQLite, of the disk or of a row. Any other error is returned as it is.
 * @param path of the database, or of the folder
 */
export function explainStoreFailure(error: unknown, path: string): unknown {
  if (error instanceof DamagedRow) return damaged(path, error);
  const kind = kindOf(error);
  switch (kind) {
    case undefined:
      return error;
    case 'damaged':
      return damaged(path, error);
    case 'full':
      return new StoreError(`The disk of ${path} is full: nothing was stored. Make room, and try again.`, {
        cause: error,
      });
    case 'read-only':
      return new StoreError(
        `${path} can't be written: nothing was stored. Make the folder and its files writable for this user, or use a copy that is.`,
        { cause: error },
      );
    case 'broken':
      return new StoreError(`${path} can't be read or written: look at its disk. Nothing was stored.`, {
        cause: error,
      });
  }
}

function kindOf(error: unknown): Kind | undefined {
  if (!(error instanceof Error)) return undefined;
  // An extended code of SQLite has the primary code in its lowest byte.
  if ('errcode' in error) return kindBySqlite[Number(error.errcode) & 0xff];
  return 'code' in error ? kindBySystem[String(error.code)] : undefined;
}
