import { CURRENT } from '../labels.ts';
import type { Secret } from '../model.ts';
import { structure } from '../protocol/shapes.ts';
import * as members from './members.ts';
import { defineOperation, type OperationContext } from './operation.ts';
import { findUsableSecret, kmsKeyOf, valueIn } from './secrets.ts';
import { putVersion } from './versions.ts';

const input = structure({
  SecretId: members.secretId,
  ClientRequestToken: members.clientRequestToken,
  Description: members.description,
  KmsKeyId: members.kmsKeyId,
  SecretString: members.secretString,
  SecretBinary: members.secretBinary,
});

/** @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_UpdateSecret.html */
export const updateSecret = defineOperation('UpdateSecret', input, (context, request) => {
  const before = findUsableSecret(context, request.SecretId);
  const value = valueIn(request);
  const secret: Secret = {
    ...before,
    description: request.Description ?? before.description,
    kmsKeyId: request.KmsKeyId === undefined ? before.kmsKeyId : request.KmsKeyId || undefined,
    changedAt: context.now,
  };
  if (kmsKeyOf(secret) !== kmsKeyOf(before)) encryptAnew(context, secret);
  context.save(secret, before);
  if (!value) return { ARN: secret.arn, Name: secret.name };
  const put = putVersion(context, secret, { token: request.ClientRequestToken, value, stages: [CURRENT] });
  return { ARN: secret.arn, Name: secret.name, VersionId: put.versionId };
});

/** With a new key AWS encrypts the labelled versions anew, and leaves the others with the key they have. */
function encryptAnew({ store }: OperationContext, secret: Secret): void {
  for (const versionId of new Set(Object.values(secret.labels))) {
    const value = store.readValue(secret.arn, versionId);
    if (value) store.writeValue(secret.arn, versionId, value, kmsKeyOf(secret));
  }
}
