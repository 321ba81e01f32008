import type { ErrorCode } from './errors.ts';
import type { Redactor } from './redact.ts';

/** Which step of which rotation is meant. */
export interface StepIdentity {
  readonly secretArn: string;
  readonly versionId: string;
  readonly step: string;
}

/** What a step came to. `already-done`: an earlier invocation had done it. */
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

/** What is told when a step ends. Holds no secret value: core has masked every text in it. */
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

/** Where the core's observations go. */
export interface Telemetry {
  stepStarted(step: StepIdentity): void;
  stepEnded(report: StepReport): void;
  /** Something worth a line while a step runs. */
  note(step: StepIdentity, message: string): void;
  /** Is given each invocation's redactor, for what is told of it by others than the core, such as Node.js. */
  redactWith?(redactor: Redactor): void;
  /** Runs a remote call inside a trace's span. */
  trace<T>(name: string, call: () => Promise<T>): Promise<T>;
}

/** Telemetry that goes nowhere: the default outside Lambda. */
export const silentTelemetry: Telemetry = {
  stepStarted: () => undefined,
  stepEnded: () => undefined,
  note: () => undefined,
  trace: (_name, call) => call(),
};
