import { invalidParameter } from '../errors.ts';
import { labelsOf } from '../labels.ts';
import type { Secret, Version } from '../model.ts';
import { DEFAULT_KMS_KEY_ID } from '../model.ts';
import { structure } from '../protocol/shapes.ts';
import * as members from './members.ts';
import { defineOperation } from './operation.ts';
import { decodePosition, encodePosition } from './paging.ts';
import { findSecret, kmsKeyOf, seconds } from './secrets.ts';

const DEFAULT_PAGE = 100;

const input = structure({
  SecretId: members.secretId,
  MaxResults: members.maxResults,
  NextToken: members.nextToken,
  IncludeDeprecated: members.boolean,
});

/** @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_ListSecretVersionIds.html */
export const listSecretVersionIds = defineOperation('ListSecretVersionIds', input, (context, request) => {
  const secret = findSecret(context, request.SecretId);
  const start = request.NextToken === undefined ? 0 : decodePosition(request.NextToken);
  if (start === undefined) throw invalidParameter('The NextToken value is invalid.');
  const versions = context.store
    .versions(secret.arn)
    .filter(
      (version) => request.IncludeDeprecated === true || labelsOf(secret.labels, version.id).length > 0,
    );
  const end = start + (request.MaxResults ?? DEFAULT_PAGE);
  return {
    Versions: versions.slice(start, end).map((version) => describeVersion(secret, version)),
    NextToken: end < versions.length ? encodePosition(end) : undefined,
    ARN: secret.arn,
    Name: secret.name,
  };
});

function describeVersion(secret: Secret, version: Version): object {
  const stages = labelsOf(secret.labels, version.id);
  const key = version.kmsKeyId ?? kmsKeyOf(secret);
  return {
    VersionId: version.id,
    VersionStages: stages.length > 0 ? stages : undefined,
    LastAccessedDate: seconds(version.accessedAt),
    CreatedDate: seconds(version.createdAt),
    KmsKeyIds: [key === DEFAULT_KMS_KEY_ID ? 'DefaultEncryptionKey' : key],
  };
}
