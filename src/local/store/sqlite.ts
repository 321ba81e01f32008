import type { DatabaseSync } from 'node:sqlite';

type Sqlite = typeof import('node:sqlite');

/**
 * Opens a SQLite database: `:memory:` or a file's path.
 * @throws Error that says which Node.js to use, if the running one has no SQLite
 */
export function openDatabase(location: string): DatabaseSync {
  const { DatabaseSync } = loadSqlite();
  return new DatabaseSync(location);
}

function loadSqlite(): Sqlite {
  const sqlite = withoutExperimentalWarning(loadBuiltin);
  if (!sqlite) {
    throw new Error(
      `The local Secrets Manager needs Node.js 24 (or 22.13 at least) for its SQLite; this is ${process.version}.`,
    );
  }
  return sqlite;
}

function loadBuiltin(): Sqlite | undefined {
  try {
    return process.getBuiltinModule?.('node:sqlite');
  } catch {
    return undefined;
  }
}

/**
 * When SQLite is loaded, Node.js warns on standard error that it is experimental. Users of this library did not choose SQLite
 * and can do nothing about it. Every other warning passes.
 */
function withoutExperimentalWarning<Result>(load: () => Result): Result {
  const emitWarning = process.emitWarning;
  process.emitWarning = (...warning: unknown[]): void => {
    if (!String(warning[0]).includes('SQLite is an experimental feature')) {
      Reflect.apply(emitWarning, process, warning);
    }
  };
  try {
    return load();
  } finally {
    process.emitWarning = emitWarning;
  }
}
