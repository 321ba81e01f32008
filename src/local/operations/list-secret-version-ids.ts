import { labelsOf } from '../labels.ts';
import { defaultKmsKeyId, type Secret, type Version } from '../model.ts';
import { defineOperation } from './operation.ts';
import { decodeStart, encodeStart } from './paging.ts';
import { findSecret, seconds } from './secrets.ts';

const defaultPage = 100;

/**
 * Lists the versions that hold a value, oldest first. The empty version of a rotation that has begun is left out.
 * @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_ListSecretVersionIds.html
 */
export const listSecretVersionIds = defineOperation('ListSecretVersionIds', (context, request) => {
  const secret = findSecret(context, request.SecretId);
  const [after] = request.NextToken === undefined ? [] : decodeStart(request.NextToken);
  const versions = context.store
    .versions(secret.arn)
    .filter(({ kmsKeyId }) => kmsKeyId !== undefined)
    .filter(({ id }) => request.IncludeDeprecated === true || labelsOf(secret.labels, id).length > 0);
  const start = versions.findIndex(({ id }) => id === after) + 1;
  const end = start + (request.MaxResults ?? defaultPage);
  const last = end < versions.length ? versions[end - 1] : undefined;
  return {
    Versions: versions.slice(start, end).map((version) => describeVersion(secret, version)),
    NextToken: last && encodeStart([last.id, end]),
    ARN: secret.arn,
    Name: secret.name,
  };
});

function describeVersion(secret: Secret, version: Version): object {
  const stages = labelsOf(secret.labels, version.id);
  return {
    VersionId: version.id,
    VersionStages: stages.length > 0 ? stages : undefined,
    LastAccessedDate: seconds(version.accessedAt),
    CreatedDate: seconds(version.createdAt),
    KmsKeyIds: [version.kmsKeyId === defaultKmsKeyId ? 'DefaultEncryptionKey' : version.kmsKeyId],
  };
}
