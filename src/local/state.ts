import type { Clock } from './clock.ts';
import type { EventBridgeEvent, EventHub } from './events.ts';
import { labelsByVersion } from './labels.ts';
import { dueAt, type Secret } from './model.ts';
import { replicate } from './replication.ts';
import type { Store } from './store/store.ts';

/** One transaction on the state: everything in it happens, or nothing. */
export interface UnitOfWork {
  readonly store: Store;
  /** The moment of this transaction, in milliseconds since the epoch. */
  readonly now: number;
  /**
   * Stores `after` in place of `before`, once its versions are as they should be: its replicas become the same. Who
   * needs to know is told once it is durable.
   */
  save(after: Secret, before?: Secret): void;
  /** Hands an event to EventBridge's listeners once the transaction is durable. */
  tell(event: EventBridgeEvent): void;
  /** Runs `callback` when the transaction is durable, and not at all when it fails. */
  afterCommit(callback: () => void): void;
}

/** The only way to read and to change what is stored. */
export interface State {
  /** The time of the clock, in milliseconds since the epoch. */
  now(): number;
  transact<Result>(work: (unit: UnitOfWork) => Result): Result;
  /** Calls `listener` after each transaction that may have changed what is due first. */
  onDueChange(listener: () => void): void;
}

export function createState(
  store: Store,
  clock: Clock,
  events: EventHub,
  eventBridge: EventHub<EventBridgeEvent>,
): State {
  let dueChanged = () => {};
  const afterSave = (after: Secret, before: Secret | undefined) => {
    if (before === undefined || dueAt(after) !== dueAt(before)) dueChanged();
    if (before !== undefined && after.labels !== before.labels) events.emit(labelsMoved(before, after));
  };
  const time = () => Math.floor(clock.now());
  return {
    now: time,
    transact(work) {
      const committed: (() => void)[] = [];
      const afterCommit = (callback: () => void) => void committed.push(callback);
      const tell = (event: EventBridgeEvent) => afterCommit(() => eventBridge.emit(event));
      const now = time();
      const save = (after: Secret, before?: Secret) => {
        store.saveSecret(after);
        replicate(store, now, after);
        afterCommit(() => afterSave(after, before));
      };
      const result = store.transaction(() => work({ store, now, save, tell, afterCommit }));
      for (const callback of committed) callback();
      return result;
    },
    onDueChange(listener) {
      dueChanged = listener;
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
