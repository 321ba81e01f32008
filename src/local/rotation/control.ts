import type { RotationCause } from '../events.ts';

/** What operations may ask of the rotation engine. */
export interface RotationControl {
  /** Whether a function with this ARN can be called. */
  knowsFunction(arn: string): boolean;
  /** Runs the rotation that the secret says is under way; called when that is durable. */
  start(secretArn: string, cause: RotationCause): void;
}
