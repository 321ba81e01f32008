import type { Configuration } from '../configuration.ts';
import type { RdsPort } from '../rds/port.ts';
import type { Redactor } from '../redact.ts';
import type { Finding, Rotator } from '../rotator/contract.ts';
import type { Secret, SecretsManagerPort } from '../secrets-manager/port.ts';
import type { StepOutcome } from '../telemetry.ts';
import type { RotationEvent } from './event.ts';
import type { RotationMemory } from './memory.ts';

/** What is counted while a step runs. It goes into the step's report, even if the step fails. */
export interface Observations {
  rotator: string | undefined;
  secretsManagerCalls: number;
  logins: number;
  refusedLogins: number;
}

/** One invocation that has passed the gate, with everything its step needs. */
export interface Run {
  readonly event: RotationEvent;
  readonly secret: Secret;
  readonly rotators: readonly Rotator[];
  readonly configuration: Configuration;
  readonly secretsManager: SecretsManagerPort;
  readonly rds: RdsPort;
  readonly memory: RotationMemory;
  readonly redactor: Redactor;
  readonly signal: AbortSignal;
  readonly observed: Observations;
  /** Sessions that are closing. Only the end of the step waits for them. */
  readonly closing: Promise<void>[];
  note(message: string): void;
  trace<T>(name: string, call: () => Promise<T>): Promise<T>;
}

/** The result of a step. */
export interface StepResult {
  readonly outcome: StepOutcome;
  /** An upper bound, in ms, of the time in which AWSCURRENT was refused. */
  readonly gapMs?: number;
  /** A preflight's findings. */
  readonly findings?: readonly Finding[];
}

/** The work of an invocation. */
export type StepFunction = (run: Run) => Promise<StepResult>;
