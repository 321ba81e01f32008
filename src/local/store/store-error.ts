/**
 * The store can't do its work: the disk is full or broken, or its file is damaged. The message says what to do, and
 * holds nothing of what was to be stored.
 */
export class StoreError extends Error {
  override readonly name = 'StoreError';
}

const CODES = { ioError: 10, corrupt: 11, full: 13, notADatabase: 26 };

/**
 * The StoreError for an error of SQLite's about the file `path`; any other error as it is.
 * @see https://www.sqlite.org/rescode.html
 */
export function explainSqliteError(error: unknown, path: string): unknown {
  const explain = (message: string) => new StoreError(message, { cause: error });
  switch (primaryCode(error)) {
    case CODES.full:
      return explain(`The disk that holds ${path} is full: nothing was stored. Make room, and try again.`);
    case CODES.ioError:
      return explain(`${path} can't be read or written. Look at its disk, and start again.`);
    case CODES.corrupt:
    case CODES.notADatabase:
      return explain(
        `${path} is damaged. Put a backup of its folder in its place, or move the folder away to begin anew.`,
      );
    default:
      return error;
  }
}

/** An extended code has its primary one in the lowest byte. */
function primaryCode(error: unknown): number | undefined {
  if (!(error instanceof Error && 'errcode' in error)) return undefined;
  return Number(error.errcode) & 0xff;
}
