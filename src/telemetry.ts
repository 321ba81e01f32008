import type { ErrorCode } from './errors.ts';
import type { Redactor } from './redact.ts';

/** A step of a rotation. */
export interface StepIdentity {
  readonly secretArn: string;
  readonly versionId: string;
  readonly step: string;
}

/** The result of a step. `already-done`: an earlier invocation had done it. */
export type StepOutcome =
  | 'stored'
  | 'kept'
  | 'changed'
  | 'found-changed'
  | 'changed-and-current'
  | 'found-changed-and-current'
  | 'verified'
  | 'preflight-passed'
  | 'current'
  | 'revoked'
  | 'already-done'
  | 'failed';

/** The report when a step ends. It holds no secret value: the core has masked its texts. */
export interface StepReport extends StepIdentity {
  readonly rotator: string | undefined;
  readonly outcome: StepOutcome;
  readonly durationMs: number;
  readonly errorCode: ErrorCode | undefined;
  readonly errorMessage: string | undefined;
  /** For how long AWSCURRENT was refused, in ms: an upper bound, measured from before the change. */
  readonly gapMs: number | undefined;
  readonly secretsManagerCalls: number;
  readonly logins: number;
  readonly refusedLogins: number;
}

/** Receives the core's reports. */
export interface Telemetry {
  stepStarted(step: StepIdentity): void;
  stepEnded(report: StepReport): void;
  /** A message for the log while a step runs, masked. */
  note(step: StepIdentity, message: string): void;
  /** Gets each invocation's redactor, to mask what others than the core print, such as Node.js. */
  redactWith?(redactor: Redactor): void;
  /** Runs a remote call inside a trace's span. */
  trace<T>(name: string, call: () => Promise<T>): Promise<T>;
}

/** Drops all reports: the default outside Lambda. */
export const silentTelemetry: Telemetry = {
  stepStarted: () => undefined,
  stepEnded: () => undefined,
  note: () => undefined,
  trace: (_name, call) => call(),
};
