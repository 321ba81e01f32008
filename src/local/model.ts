import type { Labels } from './labels.ts';

/** A secret's tag, as in the API. */
export interface Tag {
  readonly Key: string;
  readonly Value: string;
}

/** A rotation schedule, as in the API. */
export interface RotationRules {
  readonly AutomaticallyAfterDays?: number | undefined;
  readonly Duration?: string | undefined;
  readonly ScheduleExpression?: string | undefined;
}

/** What a running rotation does: all four steps, or testSecret alone on a copy of the current value. */
export type RotationKind = 'rotation' | 'test';

/** How a secret rotates. Dates are milliseconds since the epoch. */
export interface Rotation {
  readonly enabled: boolean;
  readonly lambdaArn: string;
  readonly rules?: RotationRules | undefined;
  /** The window in which the next scheduled rotation happens. */
  readonly nextWindow?: { readonly opensAt: number; readonly closesAt: number } | undefined;
  /** Whole days from the last rotation to the next, as DescribeSecret shows them. */
  readonly intervalDays?: number | undefined;
  /** The rotation that is under way; still here after a crash, so that it goes on. */
  readonly running?: { readonly token: string; readonly kind: RotationKind } | undefined;
}

/** A secret without its versions. Dates are milliseconds since the epoch. */
export interface Secret {
  readonly arn: string;
  readonly name: string;
  readonly description?: string | undefined;
  readonly kmsKeyId?: string | undefined;
  readonly tags: readonly Tag[];
  readonly labels: Labels;
  readonly createdAt: number;
  readonly changedAt: number;
  readonly accessedAt?: number | undefined;
  readonly rotatedAt?: number | undefined;
  /** Set on a secret that is marked for deletion; it is gone for good at `deletion.at`. */
  readonly deletion?: { readonly requestedAt: number; readonly at: number } | undefined;
  readonly rotation?: Rotation | undefined;
}

/** A version without its value. Dates are milliseconds since the epoch. */
export interface Version {
  readonly id: string;
  readonly createdAt: number;
  readonly accessedAt?: number | undefined;
  /** The key its value is encrypted with; absent while the version is empty. */
  readonly kmsKeyId?: string | undefined;
}

/** What a version holds. */
export type SecretValue =
  | { readonly kind: 'string'; readonly text: string }
  | { readonly kind: 'binary'; readonly bytes: Buffer };

/** The key of secrets that name none. */
export const DEFAULT_KMS_KEY_ID = 'alias/aws/secretsmanager';

/** Whether two values are the same, kind and content. */
export function sameValue(a: SecretValue, b: SecretValue): boolean {
  if (a.kind === 'string') return b.kind === 'string' && a.text === b.text;
  return b.kind === 'binary' && a.bytes.equals(b.bytes);
}

/**
 * When the scheduler has something to do for this secret (milliseconds since the epoch): its end, or its next
 * rotation; never, while a rotation is under way.
 */
export function dueAt(secret: Secret): number | undefined {
  if (secret.deletion) return secret.deletion.at;
  const { rotation } = secret;
  return rotation?.enabled && !rotation.running ? rotation.nextWindow?.opensAt : undefined;
}
