import type { Clock } from './clock.ts';
import { replicateAbroad } from './cross-account.ts';
import type { EventBridgeEvent, EventHub } from './events.ts';
import { labelsByVersion } from './labels.ts';
import { dueAt, type Secret, type Version } from './model.ts';
import { replicate } from './replication.ts';
import { createGroupCommit } from './store/group-commit.ts';
import type { Store } from './store/store.ts';
import type { UnitOfWork } from './unit-of-work.ts';

/** The only way to read and to change what is stored. */
export interface State {
  /** The time of the clock, in milliseconds since the epoch. */
  now(): number;
  /** Reads the store as it is now, durable or not. */
  read<Result>(look: (store: Store) => Result): Result;
  /**
   * Runs `work` at once. Settles when everything that it read and wrote is durable.
   * @throws StoreError if the disk or the file fails. What `work` throws is thrown as it is. In both cases nothing was written.
   */
  transact<Result>(work: (unit: UnitOfWork) => Result): Promise<Result>;
  /** Calls `listener` after each transaction that may have changed what is due first. */
  onDueChange(listener: () => void): void;
  /** Makes everything durable, and closes the store. */
  close(): void;
}

export function createState(
  store: Store,
  clock: Clock,
  events: EventHub,
  eventBridge: EventHub<EventBridgeEvent>,
): State {
  const commits = createGroupCommit(store);
  let dueChanged = () => {};
  const afterSave = (after: Secret, before: Secret | undefined) => {
    if (dueAt(after) !== (before && dueAt(before))) dueChanged();
    if (before !== undefined && after.labels !== before.labels) events.emit(labelsMoved(before, after));
  };
  const time = () => Math.floor(clock.now());
  return {
    now: time,
    read: (look) => look(store),
    async transact(work) {
      const committed: (() => void)[] = [];
      const afterCommit = (callback: () => void) => void committed.push(callback);
      const tell = (event: EventBridgeEvent) => afterCommit(() => eventBridge.emit(event));
      const accesses: (() => void)[] = [];
      const noteAccess = (secret: Secret, version: Version) =>
        void accesses.push(() => {
          store.saveSecret(secret);
          store.saveVersion(secret.arn, version);
        });
      const now = time();
      const save = (after: Secret, before?: Secret) => {
        store.saveSecret(after);
        replicate(store, now, after);
        replicateAbroad(unit, after);
        afterCommit(() => afterSave(after, before));
      };
      const unit: UnitOfWork = { store, now, save, noteAccess, tell, afterCommit };
      try {
        const result = commits.run(() => work(unit));
        for (const access of accesses) commits.note(access);
        await commits.durable();
        for (const callback of committed) callback();
        return result;
      } catch (error) {
        // The failure may be due to what others wrote. That must be durable before it is answered.
        await commits.durable();
        throw error;
      }
    },
    onDueChange(listener) {
      dueChanged = listener;
    },
    close() {
      commits.close();
      store.close();
    },
  };
}

function labelsMoved(before: Secret, after: Secret) {
  return {
    type: 'labels-moved',
    secretArn: after.arn,
    before: labelsByVersion(before.labels),
    after: labelsByVersion(after.labels),
  } as const;
}
