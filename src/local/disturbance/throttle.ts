import { ServiceError } from '../errors.ts';
import type { OperationName } from '../protocol/input.ts';

/** How many calls per second an account may make in a region, for some operations together. */
interface Quota {
  readonly operations: readonly OperationName[];
  readonly perSecond: number;
}

/**
 * AWS's quotas. None is documented for AssociateCrossAccountReplica and DisassociateCrossAccountReplica. They count as the
 * other calls of replication do.
 * @see https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html
 */
const awsQuotas: readonly Quota[] = [
  {
    operations: [
      'DeleteResourcePolicy',
      'GetResourcePolicy',
      'ListResourcePolicies',
      'PutResourcePolicy',
      'ValidateResourcePolicy',
    ],
    perSecond: 50,
  },
  {
    operations: [
      'AssociateCrossAccountReplica',
      'DisassociateCrossAccountReplica',
      'PutSecretValue',
      'RemoveRegionsFromReplication',
      'ReplicateSecretToRegions',
      'StopReplicationToReplica',
      'UpdateSecret',
      'UpdateSecretVersionStage',
    ],
    perSecond: 50,
  },
  { operations: ['CancelRotateSecret', 'RotateSecret'], perSecond: 50 },
  { operations: ['TagResource', 'UntagResource'], perSecond: 50 },
  { operations: ['BatchGetSecretValue'], perSecond: 100 },
  { operations: ['CreateSecret'], perSecond: 50 },
  { operations: ['DeleteSecret'], perSecond: 50 },
  { operations: ['DescribeSecret'], perSecond: 40_000 },
  { operations: ['GetRandomPassword'], perSecond: 50 },
  { operations: ['GetSecretValue'], perSecond: 10_000 },
  { operations: ['ListSecretVersionIds'], perSecond: 50 },
  { operations: ['ListSecrets'], perSecond: 100 },
  { operations: ['RestoreSecret'], perSecond: 50 },
];

/** `aws`: AWS's quotas. Otherwise calls per second by operation. Operations without a number are not throttled. */
export type Throttling = 'aws' | Readonly<Partial<Record<OperationName, number>>>;

/**
 * Counts a call of an operation by an account in a region.
 * @throws ServiceError ThrottlingException if there were too many in the last second
 */
export type Throttle = (operation: OperationName, place: string) => void;

/** Makes a throttle. @param nowMs a monotonic clock, in milliseconds */
export function createThrottle(throttling: Throttling, nowMs: () => number): Throttle {
  const quotas = throttling === 'aws' ? awsQuotas : quotasOf(throttling);
  const quotaByOperation = new Map(
    quotas.flatMap((quota) => quota.operations.map((operation) => [operation, quota] as const)),
  );
  const buckets = new Map<string, Bucket>();
  return (operation, place) => {
    const quota = quotaByOperation.get(operation);
    if (!quota) return;
    const key = `${place} ${quota.operations[0]}`;
    const bucket = buckets.get(key) ?? { calls: quota.perSecond, at: nowMs() };
    buckets.set(key, bucket);
    const now = nowMs();
    bucket.calls = Math.min(quota.perSecond, bucket.calls + ((now - bucket.at) / 1000) * quota.perSecond);
    bucket.at = now;
    if (bucket.calls < 1) throw new ServiceError('ThrottlingException', 'Rate exceeded');
    bucket.calls -= 1;
  };
}

/** A token bucket: `calls` is how many calls may still be made, and at most the quota of a second. */
interface Bucket {
  calls: number;
  at: number;
}

function quotasOf(throttling: Readonly<Partial<Record<OperationName, number>>>): readonly Quota[] {
  return Object.entries(throttling).flatMap(([name, perSecond]) => {
    const operation = operationNamed(name);
    if (!(Number.isFinite(perSecond) && perSecond >= 1)) {
      throw new Error(`throttle: ${name} must have 1 call per second at least, not ${perSecond}.`);
    }
    return [{ operations: [operation], perSecond }];
  });
}

/** Checks that a text is the name of an operation. @throws Error if it is not */
export function operationNamed(name: string): OperationName {
  const operation = awsQuotas.flatMap(({ operations }) => operations).find((one) => one === name);
  if (operation === undefined) throw new Error(`There is no operation ${name}.`);
  return operation;
}
