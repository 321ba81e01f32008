import type { KeyturnError } from '../errors.ts';

/** What every event says. */
interface AboutSecret {
  /** The secret's name or ARN, as the application has passed it. */
  readonly secretId: string;
}

/** What every event about a version says. */
interface AboutVersion extends AboutSecret {
  /** The version's id. */
  readonly versionId: string;
}

/** A version was read from Secrets Manager, the extension or the agent. */
export interface ReadEvent extends AboutVersion {
  readonly type: 'read';
  /** The staging label that was read. */
  readonly stage: string;
  /** How long the read took, in ms. */
  readonly durationMs: number;
}

/** A read has failed. */
export interface ReadFailedEvent extends AboutSecret {
  readonly type: 'read-failed';
  /** The staging label that was to be read. */
  readonly stage: string;
  /** How long the read took, in ms. */
  readonly durationMs: number;
  /** The error that the application gets, if no earlier value can be used. */
  readonly error: KeyturnError;
  /** For how many ms more the earlier value is used; 0: there is none, or it is too old. */
  readonly staleForMs: number;
}

/** Another version is handed out from now on. */
export interface RefreshedEvent extends AboutVersion {
  readonly type: 'refreshed';
  /** The id of the version that was handed out before. */
  readonly previousVersionId: string;
}

/** A target has refused a version. */
export interface RefusedEvent extends AboutVersion {
  readonly type: 'refused';
  /** The refused version's label. */
  readonly stage: string;
}

/** A target has accepted a credential after a refusal. The application has not noticed the refusal. */
export interface BridgedEvent extends AboutVersion {
  readonly type: 'bridged';
  /** The accepted version's label: AWSPENDING if the rotation had not yet moved AWSCURRENT. */
  readonly stage: string;
  /** The time since the first refusal, in ms. */
  readonly durationMs: number;
  /** How many attempts were refused. */
  readonly refusals: number;
}

/** A refusal has stayed until the deadline. The application got its driver's error. */
export interface RefusalStayedEvent extends AboutVersion {
  readonly type: 'refusal-stayed';
  /** The label of the version that was refused last. */
  readonly stage: string;
  /** The time since the first refusal, in ms. */
  readonly durationMs: number;
  /** How many attempts were refused. */
  readonly refusals: number;
}

/** The events of a client. None holds a secret value. */
export type SecretEvent =
  | ReadEvent
  | ReadFailedEvent
  | RefreshedEvent
  | RefusedEvent
  | BridgedEvent
  | RefusalStayedEvent;

/** Gets a client's events. Its errors become warnings of the process, and disturb no reader. */
export type SecretEventListener = (event: SecretEvent) => void;

/** Passes events to listeners. A listener that throws disturbs no reader. */
export class Emitter {
  readonly #listeners = new Set<SecretEventListener>();

  /** Adds a listener. @returns a function that removes it */
  on(listener: SecretEventListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Passes an event to all listeners. */
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
