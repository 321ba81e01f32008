import type { EventBridgeEvent } from './events.ts';
import type { Secret, Version } from './model.ts';
import type { Store } from './store/store.ts';

/** A transaction on the state: either all of it happens, or nothing. */
export interface UnitOfWork {
  readonly store: Store;
  /** The moment of this transaction, in milliseconds since the epoch. */
  readonly now: number;
  /**
   * Stores `after` in place of `before`, and updates its replicas. Store its versions first. Events are sent once the
   * transaction is durable.
   */
  save(after: Secret, before?: Secret): void;
  /** Stores the dates of an access if the transaction succeeds. The answer doesn't wait until they are durable. */
  noteAccess(secret: Secret, version: Version): void;
  /** Passes an event to EventBridge's listeners once the transaction is durable. */
  tell(event: EventBridgeEvent): void;
  /** Runs `callback` once the transaction is durable. It never runs if the transaction fails. */
  afterCommit(callback: () => void): void;
}
