/** The steps of a rotation, in their order. */
export const rotationSteps = ['createSecret', 'setSecret', 'testSecret', 'finishSecret'] as const;

/** One step of a rotation. */
export type RotationStep = (typeof rotationSteps)[number];

/** A request was answered. */
export interface CallEvent {
  readonly type: 'call';
  /** The operation's name, such as `GetSecretValue`. Empty if the request named none. */
  readonly operation: string;
  /** The request's SecretId: a name or an ARN. */
  readonly secretId?: string | undefined;
  /** The access key that signed the request. Empty if it wasn't signed. */
  readonly accessKeyId: string;
  /** Milliseconds of real time. */
  readonly durationMs: number;
  /** AWS's name of the error in the answer. */
  readonly error?: string | undefined;
}

/** Staging labels of a secret have moved. */
export interface LabelsEvent {
  readonly type: 'labels-moved';
  /** The secret's ARN. */
  readonly secretArn: string;
  /** Labels by version id. Versions without labels are left out. */
  readonly before: Readonly<Record<string, readonly string[]>>;
  /** Labels by version afterwards. */
  readonly after: Readonly<Record<string, readonly string[]>>;
}

/** What every event of a rotation says. */
interface RotationFacts {
  /** The secret's ARN. */
  readonly secretArn: string;
  /** The rotation's ClientRequestToken, which is the new version's id. */
  readonly token: string;
  /** The number of this attempt, from 1. */
  readonly attempt: number;
}

/** An attempt of a rotation begins. */
export interface RotationStartedEvent extends RotationFacts {
  readonly type: 'rotation-started';
  /** `test`: testSecret alone, for RotateImmediately=false. */
  readonly kind: 'rotation' | 'test';
  /** What began it. */
  readonly cause: RotationCause;
}

/** What began a rotation: RotateSecret, the schedule, or a restart of the server during a rotation. */
export type RotationCause = 'request' | 'schedule' | 'restart';

/** The function is called for a step. */
export interface StepStartedEvent extends RotationFacts {
  readonly type: 'step-started';
  /** The step that begins. */
  readonly step: RotationStep;
}

/** A step has ended, well or not. */
export interface StepEndedEvent extends RotationFacts {
  readonly type: 'step-ended';
  /** The step that has ended. */
  readonly step: RotationStep;
  /** Milliseconds of real time. */
  readonly durationMs: number;
  /** Why the step failed, with the secret's values masked. Absent if it succeeded. */
  readonly error?: string | undefined;
}

/** All steps succeeded, and AWSCURRENT is on the new version. */
export interface RotationSucceededEvent extends RotationFacts {
  readonly type: 'rotation-succeeded';
  /** Of this attempt, in milliseconds of real time. */
  readonly durationMs: number;
}

/** An attempt failed. */
export interface RotationFailedEvent extends RotationFacts {
  readonly type: 'rotation-failed';
  /** Of this attempt, in milliseconds of real time. */
  readonly durationMs: number;
  /** Why it failed, with the secret's values masked. */
  readonly error: string;
  /** Whether another attempt follows. */
  readonly willRetry: boolean;
}

/** Rotation was turned off, or the secret deleted, while it was under way. */
export interface RotationCancelledEvent extends RotationFacts {
  readonly type: 'rotation-cancelled';
}

/** An event of Secrets Manager's own actions, such as a rotation, in EventBridge's form. */
export interface EventBridgeEvent {
  readonly version: '0';
  /** The event's id. */
  readonly id: string;
  /** Its kind, in AWS's words. */
  readonly 'detail-type': string;
  readonly source: 'aws.secretsmanager';
  /** The account of the secret. */
  readonly account: string;
  /** ISO 8601, to the second. */
  readonly time: string;
  /** The region of the secret. */
  readonly region: string;
  /** Empty: `detail.additionalEventData` names the secret. */
  readonly resources: readonly string[];
  /** What happened. */
  readonly detail: {
    /** The event's name, such as `RotationSucceeded`. */
    readonly eventName: string;
    /** Always `secretsmanager.amazonaws.com`. */
    readonly eventSource: string;
    /** Why it failed, if it did. */
    readonly errorMessage?: string;
    /** Further facts, such as the secret. */
    readonly additionalEventData: { readonly SecretId: string } & Readonly<Record<string, string>>;
    readonly [member: string]: unknown;
  };
}

/** All events. None holds a secret value. */
export type LocalEvent =
  | CallEvent
  | LabelsEvent
  | RotationStartedEvent
  | StepStartedEvent
  | StepEndedEvent
  | RotationSucceededEvent
  | RotationFailedEvent
  | RotationCancelledEvent;

/** Called for each event. An error that it throws becomes an uncaught exception of the process. */
export type Listener<Event> = (event: Event) => void;
/** A listener to {@link LocalEvent}s. */
export type LocalEventListener = Listener<LocalEvent>;

/** Passes events to listeners. */
export interface EventHub<Event = LocalEvent> {
  emit(event: Event): void;
  /** Adds a listener. @returns a function that removes it */
  on(listener: Listener<Event>): () => void;
}

export function createEventHub<Event = LocalEvent>(): EventHub<Event> {
  const listeners = new Set<Listener<Event>>();
  return {
    emit(event) {
      for (const listener of listeners) callSafely(listener, event);
    },
    on(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

/** A listener's error must not break the request or the rotation. It must not be lost either. */
function callSafely<Event>(listener: Listener<Event>, event: Event): void {
  try {
    listener(event);
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
