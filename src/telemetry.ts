import type { ErrorCode } from './errors.ts';
import type { Redactor } from './redact.ts';

/** A step of a rotation. */
export interface StepIdentity {
  /** The secret's ARN. */
  readonly secretArn: string;
  /** The version that the rotation makes. Empty for the step `revokePrevious`, which belongs to no rotation. */
  readonly versionId: string;
  /** Such as `createSecret`. */
  readonly step: string;
}

/**
 * The result of a step:
 *
 * - createSecret: `stored` the pending credential, or `kept` the one that an earlier try had stored
 * - setSecret: `changed` the credential at the target, or `found-changed` by an earlier try. With `-and-current`, AWSCURRENT
 *   was moved too
 * - testSecret: `verified`, or `preflight-passed`
 * - finishSecret: `current`: AWSCURRENT is on the new version
 * - revokePrevious: `revoked`, also if nothing was due
 * - `already-done`: an earlier invocation had done the step
 * - `failed`: with an error code
 */
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
  /** The rotator's name; undefined if the step failed before it was known. */
  readonly rotator: string | undefined;
  /** How the step ended. */
  readonly outcome: StepOutcome;
  /** How long the step took, in ms. */
  readonly durationMs: number;
  /** Set if the step failed. */
  readonly errorCode: ErrorCode | undefined;
  /** The error's message, masked; set if the step failed. */
  readonly errorMessage: string | undefined;
  /** For how long AWSCURRENT was refused, in ms: an upper bound, measured from before the change. */
  readonly gapMs: number | undefined;
  /** Calls of Secrets Manager. The SDK's own retries are not counted. */
  readonly secretsManagerCalls: number;
  /** Logins at the target that were accepted, the admin's included. */
  readonly logins: number;
  /** Logins at the target that were refused. */
  readonly refusedLogins: number;
}

/** Receives the core's reports. */
export interface Telemetry {
  /** Called before a step. */
  stepStarted(step: StepIdentity): void;
  /** Called after a step, also if it failed. */
  stepEnded(report: StepReport): void;
  /** A message for the log while a step runs, masked. */
  note(step: StepIdentity, message: string): void;
  /** Called with each invocation's redactor, to mask what others than the core print, such as Node.js. */
  redactWith?(redactor: Redactor): void;
  /** Runs a remote call inside a trace's span. */
  trace<T>(name: string, call: () => Promise<T>): Promise<T>;
}

/** Drops all reports. The default of createRotationHandler. */
export const silentTelemetry: Telemetry = {
  stepStarted: () => undefined,
  stepEnded: () => undefined,
  note: () => undefined,
  trace: (_name, call) => call(),
};
