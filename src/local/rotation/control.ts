import type { RotationCause } from '../events.ts';

/** The part of the rotation engine that operations use. */
export interface RotationControl {
  /** Whether a function with this ARN can be called. */
  knowsFunction(arn: string): boolean;
  /** Runs the rotation that is stored in the secret. To be called once that is durable. */
  start(secretArn: string, cause: RotationCause): void;
}
