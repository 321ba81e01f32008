import type { DatabaseSync } from 'node:sqlite';
import type { Outcome } from './store.ts';
import { explainStoreFailure } from './store-error.ts';

/** The transactions of a database. One commit makes many of them durable. */
export interface Transactions {
  /** Runs `work`. If it throws, what it wrote is undone. Not reentrant. */
  run<Result>(work: () => Result): Outcome<Result>;
  /** Must be called before each statement that writes. */
  beforeWrite(): void;
  /**
   * Makes everything durable that was written since the last commit.
   * @throws StoreError after all of it is undone
   */
  commit(): void;
  /** Whether something was written since the last commit. */
  isOpen(): boolean;
}

/**
 * Makes the transactions. SQLite's own transaction only begins with the first write. Reads before it see one state anyway,
 * because no other process may use the database and nothing here is asynchronous.
 * @param path the database's name in errors
 * @param undone called when something that was written has been undone
 */
export function createTransactions(database: DatabaseSync, path: string, undone: () => void): Transactions {
  const begin = database.prepare('BEGIN');
  const commit = database.prepare('COMMIT');
  const rollback = database.prepare('ROLLBACK');
  const savepoint = database.prepare('SAVEPOINT work');
  const keep = database.prepare('RELEASE work');
  const undo = database.prepare('ROLLBACK TO work');
  let wrote = false;
  let begun = false;
  /** Node.js before 22.16 has no `isTransaction`. */
  const isOpen = (): boolean => database.isTransaction ?? begun;

  /**
   * Tries a statement that fails if SQLite has ended the transaction by itself. Without `isTransaction`, that is the only way
   * to find out. @returns whether it succeeded
   */
  const attempt = (work: () => void): boolean => {
    try {
      work();
      return true;
    } catch (error) {
      if (database.isTransaction !== undefined) throw error;
      return false;
    }
  };

  const undoWork = () => {
    // A full disk may have ended the whole transaction already.
    if (wrote && isOpen()) {
      begun = attempt(() => {
        undo.run();
        keep.run();
      });
    }
    if (wrote) undone();
  };
  return {
    run(work) {
      wrote = false;
      try {
        const result = work();
        if (wrote) keep.run();
        return { result, wrote };
      } catch (error) {
        undoWork();
        throw explainStoreFailure(error, path);
      }
    },
    beforeWrite() {
      if (wrote) return;
      if (!isOpen()) begin.run();
      begun = true;
      savepoint.run();
      wrote = true;
    },
    commit() {
      if (!isOpen()) return;
      begun = false;
      try {
        commit.run();
      } catch (error) {
        if (database.isTransaction ?? true) attempt(() => rollback.run());
        undone();
        throw explainStoreFailure(error, path);
      }
    },
    isOpen,
  };
}
