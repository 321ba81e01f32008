import type { DatabaseSync } from 'node:sqlite';
import type { Outcome } from './store.ts';
import { explainStoreFailure } from './store-error.ts';

/** The transactions of a database, many of which are made durable by one commit. */
export interface Transactions {
  /** Runs `work`; what it wrote is undone when it throws. Not reentrant. */
  run<Result>(work: () => Result): Outcome<Result>;
  /** To be called before each statement that writes. */
  beforeWrite(): void;
  /**
   * Makes durable what was written since the last commit.
   * @throws StoreError after all of that is undone
   */
  commit(): void;
  /** Whether something was written since the last commit. */
  isOpen(): boolean;
}

/**
 * Nothing is begun before something is written: statements that read see one state anyway, because nobody else may
 * use the database and nothing here waits.
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
  /** Node.js can't tell before 22.16. */
  const isOpen = (): boolean => database.isTransaction ?? begun;

  /** Where Node.js can't tell whether SQLite has ended the transaction by itself, trying does. */
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
