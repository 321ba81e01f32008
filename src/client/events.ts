import type { KeyturnError } from '../errors.ts';

interface AboutSecret {
  /** The secret's name or ARN, as the application has given it. */
  readonly secretId: string;
}

interface AboutVersion extends AboutSecret {
  readonly versionId: string;
}

/** A version was read from Secrets Manager, the extension or the agent. */
export interface ReadEvent extends AboutVersion {
  readonly type: 'read';
  readonly stage: string;
  readonly durationMs: number;
}

/** A read has failed. */
export interface ReadFailedEvent extends AboutSecret {
  readonly type: 'read-failed';
  readonly stage: string;
  readonly durationMs: number;
  readonly error: KeyturnError;
  /** For how many ms more the value that was read before is used; 0: not at all, or there is none. */
  readonly staleForMs: number;
}

/** From now on another version is handed out. */
export interface RefreshedEvent extends AboutVersion {
  readonly type: 'refreshed';
  readonly previousVersionId: string;
}

/** A target has refused a version. */
export interface RefusedEvent extends AboutVersion {
  readonly type: 'refused';
  readonly stage: string;
}

/** After a refusal, a target has let somebody in: nobody noticed. */
export interface BridgedEvent extends AboutVersion {
  readonly type: 'bridged';
  /** The label of the version that was let in: AWSPENDING in the gap between a change and its move. */
  readonly stage: string;
  /** From the first refusal on, ms. */
  readonly durationMs: number;
  readonly refusals: number;
}

/** A refusal has stayed until the deadline: the application got its own error. */
export interface RefusalStayedEvent extends AboutVersion {
  readonly type: 'refusal-stayed';
  readonly stage: string;
  readonly durationMs: number;
  readonly refusals: number;
}

/** What a client tells. No event holds a secret value. */
export type SecretEvent =
  | ReadEvent
  | ReadFailedEvent
  | RefreshedEvent
  | RefusedEvent
  | BridgedEvent
  | RefusalStayedEvent;

/** Hears what a client tells. What it throws is reported as a warning of the process, and breaks nothing. */
export type SecretEventListener = (event: SecretEvent) => void;

/** Tells listeners, none of which can break a reader. */
export class Emitter {
  readonly #listeners = new Set<SecretEventListener>();

  /** @returns what ends it */
  on(listener: SecretEventListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  emit(event: SecretEvent): void {
    for (const listener of this.#listeners) {
      try {
        listener(event);
      } catch (error) {
        process.emitWarning(`A listener of keyturn/client has thrown: ${error}`);
      }
    }
  }
}
