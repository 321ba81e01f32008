import { describeAbroad } from '../cross-account.ts';
import { labelsByVersion } from '../labels.ts';
import { owningServiceTag, type Rotation, type Secret } from '../model.ts';
import { primaryRegionOf, replicationStatus } from '../replication.ts';
import { defineOperation } from './operation.ts';
import { findSecret, seconds } from './secrets.ts';

/** @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DescribeSecret.html */
export const describeSecret = defineOperation('DescribeSecret', (context, request) => {
  const secret = findSecret(context, request.SecretId);
  return {
    ...describe(secret),
    VersionIdsToStages: stagesOf(secret),
    ...describeOrigin(secret),
    ReplicationStatus: replicationStatus(context.store, secret),
    ...describeAbroad(secret),
  };
});

/** The members that DescribeSecret and ListSecrets both have before the versions. */
export function describe(secret: Secret): object {
  return {
    ARN: secret.arn,
    Name: secret.name,
    Type: secret.type,
    Description: secret.description,
    KmsKeyId: secret.kmsKeyId,
    ...describeRotation(secret.rotation),
    LastRotatedDate: secret.rotation?.enabled ? seconds(secret.rotatedAt) : undefined,
    LastChangedDate: seconds(secret.changedAt),
    LastAccessedDate: seconds(secret.accessedAt),
    DeletedDate: seconds(secret.deletion?.requestedAt),
    NextRotationDate: nextRotationDate(secret.rotation),
    Tags: secret.tags,
  };
}

/** The members that both have after the versions. */
export function describeOrigin(secret: Secret): object {
  return {
    OwningService: owningService(secret),
    CreatedDate: seconds(secret.createdAt),
    PrimaryRegion: primaryRegionOf(secret),
  };
}

/** The service that the secret belongs to. */
export function owningService({ tags = [] }: Secret): string | undefined {
  return tags.find(({ Key }) => Key === owningServiceTag)?.Value;
}

/** The labels by version. Absent if no version has any. */
export function stagesOf(secret: Secret): Record<string, string[]> | undefined {
  return Object.keys(secret.labels).length === 0 ? undefined : labelsByVersion(secret.labels);
}

function describeRotation(rotation: Rotation | undefined): object {
  if (!rotation) return {};
  const { enabled, lambdaArn, rules, intervalDays } = rotation;
  return {
    RotationEnabled: enabled,
    RotationLambdaARN: lambdaArn,
    RotationRules: rules && {
      ...rules,
      AutomaticallyAfterDays: rules.AutomaticallyAfterDays ?? intervalDays,
    },
  };
}

/** As AWS gives it: the last second of the window. The rotation happens on or before this date. */
function nextRotationDate(rotation: Rotation | undefined): number | undefined {
  return rotation?.enabled && rotation.nextWindow ? seconds(rotation.nextWindow.closesAt - 1000) : undefined;
}
