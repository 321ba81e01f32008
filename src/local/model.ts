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

/** What a running rotation does. `rotation`: all four steps. `test`: testSecret alone, on a copy of the current value. */
export type RotationKind = 'rotation' | 'test';

/** How a secret rotates. Dates are milliseconds since the epoch. */
export interface Rotation {
  readonly enabled: boolean;
  readonly lambdaArn: string;
  readonly rules?: RotationRules | undefined;
  /** The window of the next scheduled rotation, which DescribeSecret shows. After a failed rotation it is in the past. */
  readonly nextWindow?: { readonly opensAt: number; readonly closesAt: number } | undefined;
  /** When the schedule starts the next rotation. */
  readonly dueAt?: number | undefined;
  /** Whole days from the last rotation to the next, as DescribeSecret shows them. */
  readonly intervalDays?: number | undefined;
  /** The rotation that is under way. It is stored, so that it continues after a crash. */
  readonly running?: { readonly token: string; readonly kind: RotationKind } | undefined;
}

/** A region that a secret is replicated to. */
export interface Replica {
  readonly region: string;
  readonly kmsKeyId?: string | undefined;
  /** Why there is no replica in that region. */
  readonly failure?: string | undefined;
}

/** A cross-account replica's data on its primary. */
export interface CrossAccountPrimary {
  readonly arn: string;
  readonly status: 'Pending' | 'InSync' | 'Detached';
}

/** A primary's data on its cross-account replica. */
export interface CrossAccountReplica {
  readonly arn: string;
  readonly roleArn?: string | undefined;
  readonly status: 'InSync' | 'Detached';
}

/** A secret without its versions. Dates are milliseconds since the epoch. */
export interface Secret {
  readonly arn: string;
  readonly name: string;
  /** AWS's text for the partner that holds a managed external secret. */
  readonly type?: string | undefined;
  readonly description?: string | undefined;
  readonly kmsKeyId?: string | undefined;
  /** Undefined if none was ever given. An empty list counts as given. */
  readonly tags?: readonly Tag[] | undefined;
  /** The resource policy, as it was put. */
  readonly policy?: string | undefined;
  /** The secret's replicas. Undefined if it has none. */
  readonly replicas?: readonly Replica[] | undefined;
  /** The region of the primary. Set on a replica only. */
  readonly primaryRegion?: string | undefined;
  /** Set on a cross-account replica only. */
  readonly crossAccountPrimary?: CrossAccountPrimary | undefined;
  readonly crossAccountReplica?: CrossAccountReplica | undefined;
  readonly labels: Labels;
  readonly createdAt: number;
  readonly changedAt: number;
  readonly accessedAt?: number | undefined;
  readonly rotatedAt?: number | undefined;
  /** Set on a secret that is marked for deletion. It is removed at `deletion.at`. */
  readonly deletion?: { readonly requestedAt: number; readonly at: number } | undefined;
  readonly rotation?: Rotation | undefined;
  /** When the next deprecated version is old enough to be removed. */
  readonly cleanUpAt?: number | undefined;
}

/** A version without its value. Dates are milliseconds since the epoch. */
export interface Version {
  readonly id: string;
  readonly createdAt: number;
  readonly accessedAt?: number | undefined;
  /** The key that its value is encrypted with. Absent while the version is empty. */
  readonly kmsKeyId?: string | undefined;
}

/** A version's value. */
export type SecretValue =
  | { readonly kind: 'string'; readonly text: string }
  | { readonly kind: 'binary'; readonly bytes: Buffer };

/** The alias of the AWS managed key, which encrypts unless another key is named. */
export const defaultKmsKeyId = 'alias/aws/secretsmanager';

/** Whether two values are the same, kind and content. */
export function sameValue(a: SecretValue, b: SecretValue): boolean {
  if (a.kind === 'string') return b.kind === 'string' && a.text === b.text;
  return b.kind === 'binary' && a.bytes.equals(b.bytes);
}

/** AWS's tag with the service that owns a secret. */
export const owningServiceTag = 'aws:secretsmanager:owningService';

/** The service that manages a secret of this name, such as `rds` of `rds!db-...`. */
export function owningServiceIn(name: string): string | undefined {
  return /^([a-z][a-z0-9-]*)!/.exec(name)?.[1];
}

/**
 * When the scheduler must next handle this secret, in milliseconds since the epoch. It handles the secret's removal, its next
 * rotation (unless one is under way) and the removal of a version.
 */
export function dueAt(secret: Secret): number | undefined {
  if (secret.deletion) return secret.deletion.at;
  const rotatesAt = rotationDueAt(secret);
  const times = [rotatesAt, secret.cleanUpAt].filter((time) => time !== undefined);
  return times.length > 0 ? Math.min(...times) : undefined;
}

/** When the schedule starts the next rotation. Undefined while one is under way. */
export function rotationDueAt({ rotation }: Secret): number | undefined {
  return rotation?.enabled && !rotation.running ? rotation.dueAt : undefined;
}
