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

  const undoWork = () => {
    // A full disk may have ended the whole transaction already.
    if (wrote && database.isTransaction) {
      undo.run();
      keep.run();
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
      if (!database.isTransaction) begin.run();
      savepoint.run();
      wrote = true;
    },
    commit() {
      if (!database.isTransaction) return;
      try {
        commit.run();
      } catch (error) {
        if (database.isTransaction) rollback.run();
        undone();
        throw explainStoreFailure(error, path);
      }
    },
    isOpen: () => database.isTransaction,
  };
}
