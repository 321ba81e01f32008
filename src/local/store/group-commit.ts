import { reportFault } from '../errors.ts';
import type { Store } from './store.ts';

/** A note may be lost in a crash. Nobody waits for it, so its commit can wait. */
const notesDurableAfterMs = 1_000;

/** Groups transactions, so that one commit makes them durable. */
export interface GroupCommit {
  /**
   * Runs `work` in a transaction.
   * @throws StoreError if the disk or the file fails. What `work` throws is thrown as it is. In both cases nothing was written.
   */
  run<Result>(work: () => Result): Result;
  /** Runs `work` in a transaction that may be lost: in a crash, or because the disk is full. Never throws. */
  note(work: () => void): void;
  /**
   * Resolves when everything that can be read now is durable. Undefined if it is already.
   * @throws StoreError if that fails. Then all of it is undone.
   */
  durable(): Promise<void> | undefined;
  /** Commits what is left. */
  close(): void;
}

/**
 * Commits once at the end of each turn of the event loop. For a disk, many transactions take as long as one.
 */
export function createGroupCommit(store: Store): GroupCommit {
  let group: PromiseWithResolvers<void> | undefined;
  let notesTimer: NodeJS.Timeout | undefined;
  /** Why the last note was lost. It is reported once, and not at every read while the disk is full. */
  let lossTold: string | undefined;

  const tellLoss = (error: unknown): void => {
    if (String(error) !== lossTold) reportFault(error);
    lossTold = String(error);
  };
  const end = (settle: (ended: PromiseWithResolvers<void>) => void): void => {
    const ended = group;
    group = undefined;
    if (ended) settle(ended);
  };
  const commit = (): void => {
    clearTimeout(notesTimer);
    notesTimer = undefined;
    try {
      store.commit();
      lossTold = undefined;
      end(({ resolve }) => resolve());
    } catch (error) {
      if (!group) tellLoss(error);
      end(({ reject }) => reject(error));
    }
  };
  const open = (): PromiseWithResolvers<void> => {
    const opened = Promise.withResolvers<void>();
    setImmediate(() => {
      if (group === opened) commit();
    });
    return opened;
  };
  const attempt = <Result>(work: () => Result) => {
    try {
      return store.transaction(work);
    } catch (error) {
      // A full disk may have undone the others' work too.
      if (!store.hasUncommitted()) end(({ reject }) => reject(error));
      throw error;
    }
  };

  return {
    run(work) {
      const { result, wrote } = attempt(work);
      if (wrote) group ??= open();
      return result;
    },
    note(work) {
      try {
        attempt(work);
        if (!group) notesTimer ??= setTimeout(commit, notesDurableAfterMs).unref();
      } catch (error) {
        tellLoss(error);
      }
    },
    durable: () => group?.promise,
    close: commit,
  };
}
