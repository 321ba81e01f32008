import { reportFault } from '../errors.ts';
import type { Store } from './store.ts';

/** Notes may be lost in a crash, so nobody waits for them to be durable. */
const notesDurableAfterMs = 1_000;

/** Transactions that become durable together. */
export interface GroupCommit {
  /**
   * Runs `work` in a transaction.
   * @throws StoreError when the disk or the file fails; what `work` throws as it is. Then it has done nothing
   */
  run<Result>(work: () => Result): Result;
  /** Runs `work` in a transaction that may be lost: in a crash, or because the disk is full. Never throws. */
  note(work: () => void): void;
  /**
   * Resolves when all that can be seen now is durable.
   * @throws StoreError when that can't be, and none of it has happened
   */
  durable(): Promise<void> | undefined;
  /** Commits what is left. */
  close(): void;
}

/**
 * Makes what is done in one turn of the event loop durable with one commit at its end: a disk takes as long for many
 * transactions as for one.
 */
export function createGroupCommit(store: Store): GroupCommit {
  let group: PromiseWithResolvers<void> | undefined;
  let notesTimer: NodeJS.Timeout | undefined;
  /** Why the last note was lost; it is told once, and not at every read while a disk is full. */
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
