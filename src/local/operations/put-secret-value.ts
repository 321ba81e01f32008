import { invalidRequest } from '../errors.ts';
import { CURRENT, labelsOf } from '../labels.ts';
import { list, structure } from '../protocol/shapes.ts';
import * as members from './members.ts';
import { defineOperation } from './operation.ts';
import { findUsableSecret, valueIn } from './secrets.ts';
import { putVersion } from './versions.ts';

const input = structure({
  SecretId: members.secretId,
  ClientRequestToken: members.clientRequestToken,
  SecretString: members.secretString,
  SecretBinary: members.secretBinary,
  VersionStages: list(members.stage, { min: 1, max: 20 }),
  RotationToken: members.rotationToken,
});

/** @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html */
export const putSecretValue = defineOperation('PutSecretValue', input, (context, request) => {
  const secret = findUsableSecret(context, request.SecretId);
  const value = valueIn(request);
  if (!value) throw invalidRequest('You must provide either SecretString or SecretBinary.');
  const stages = request.VersionStages ?? [CURRENT];
  const put = putVersion(context, secret, { token: request.ClientRequestToken, value, stages });
  return {
    ARN: secret.arn,
    Name: secret.name,
    VersionId: put.versionId,
    VersionStages: labelsOf(put.secret.labels, put.versionId),
  };
});
