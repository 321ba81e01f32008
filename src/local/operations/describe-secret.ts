import { labelsByVersion } from '../labels.ts';
import type { Rotation, Secret } from '../model.ts';
import { structure } from '../protocol/shapes.ts';
import * as members from './members.ts';
import { defineOperation } from './operation.ts';
import { findSecret, seconds } from './secrets.ts';

/** @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DescribeSecret.html */
export const describeSecret = defineOperation(
  'DescribeSecret',
  structure({ SecretId: members.secretId }),
  (context, request) => {
    const secret = findSecret(context, request.SecretId);
    return { ...describe(secret), VersionIdsToStages: stagesOf(secret) };
  },
);

/** What DescribeSecret and ListSecrets both tell of a secret. */
export function describe(secret: Secret): object {
  return {
    ARN: secret.arn,
    Name: secret.name,
    Description: secret.description,
    KmsKeyId: secret.kmsKeyId,
    ...describeRotation(secret.rotation),
    LastRotatedDate: seconds(secret.rotatedAt),
    LastChangedDate: seconds(secret.changedAt),
    LastAccessedDate: seconds(secret.accessedAt),
    DeletedDate: seconds(secret.deletion?.requestedAt),
    NextRotationDate: nextRotationDate(secret),
    Tags: secret.tags,
    CreatedDate: seconds(secret.createdAt),
  };
}

/** The labels by version; absent when no version has any. */
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

/** AWS gives the last second of the window: the rotation happens on or before this date. */
function nextRotationDate({ rotation, deletion }: Secret): number | undefined {
  if (deletion || !rotation?.enabled || !rotation.nextWindow) return undefined;
  return seconds(rotation.nextWindow.closesAt - 1000);
}
