import { CURRENT } from '../labels.ts';
import type { Secret } from '../model.ts';
import { defineOperation, type OperationContext } from './operation.ts';
import { checkKeyServes, findChangeableSecret, kmsKeyOf, requireToken, valueIn } from './secrets.ts';
import { putVersion } from './versions.ts';

/** @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_UpdateSecret.html */
export const updateSecret = defineOperation('UpdateSecret', (context, request) => {
  const token = requireToken(request.ClientRequestToken);
  const value = valueIn(request);
  const before = findChangeableSecret(context, request.SecretId);
  const secret: Secret = {
    ...before,
    type: request.Type ?? before.type,
    description: given(request.Description, before.description),
    kmsKeyId: given(request.KmsKeyId, before.kmsKeyId),
    changedAt: context.now,
  };
  if (kmsKeyOf(secret) !== kmsKeyOf(before)) encryptAnew(context, secret);
  context.save(secret, before);
  if (value) {
    checkKeyServes(context, secret);
    putVersion(context, secret, { token, value, stages: [CURRENT] });
  }
  return { ARN: secret.arn, Name: secret.name, VersionId: value && token };
});

/** An empty text takes away what was there; one that isn't given leaves it. */
function given(text: string | undefined, before: string | undefined): string | undefined {
  return text === undefined ? before : text || undefined;
}

/** With a new key AWS encrypts the labelled versions anew, and leaves the others with the key they have. */
function encryptAnew({ store }: OperationContext, secret: Secret): void {
  for (const versionId of new Set(Object.values(secret.labels))) {
    const value = store.readValue(secret.arn, versionId);
    if (value) store.writeValue(secret.arn, versionId, value, kmsKeyOf(secret));
  }
}
