import { invalidRequest } from '../errors.ts';
import { currentLabel, labelsOf } from '../labels.ts';
import { defineOperation } from './operation.ts';
import { checkKeyServes, findChangeableSecret, requireToken, valueIn } from './secrets.ts';
import { putVersion } from './versions.ts';

/** @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html */
export const putSecretValue = defineOperation('PutSecretValue', (context, request) => {
  const token = requireToken(request.ClientRequestToken);
  const value = valueIn(request);
  if (!value) throw invalidRequest('You must provide either SecretString or SecretBinary.');
  const secret = findChangeableSecret(context, request.SecretId);
  checkKeyServes(context, secret);
  const stages = request.VersionStages ?? [currentLabel];
  const put = putVersion(context, secret, { token, value, stages });
  return {
    ARN: put.arn,
    Name: put.name,
    VersionId: token,
    VersionStages: labelsOf(put.labels, token),
  };
});
