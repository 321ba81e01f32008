import { isCustomerKey } from '../cross-account.ts';
import { invalidParameter } from '../errors.ts';
import { currentLabel } from '../labels.ts';
import type { Secret } from '../model.ts';
import type { Input } from '../protocol/input.ts';
import { changeReplicaKey } from '../replication.ts';
import { defineOperation, type OperationContext } from './operation.ts';
import {
  checkKeyServes,
  findChangeableSecret,
  findUsableSecret,
  kmsKeyOf,
  requireToken,
  valueIn,
} from './secrets.ts';
import { putVersion } from './versions.ts';

/** @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_UpdateSecret.html */
export const updateSecret = defineOperation('UpdateSecret', (context, request) => {
  const token = requireToken(request.ClientRequestToken);
  const value = valueIn(request);
  const replica = replicaOfKeyChange(context, request);
  if (replica) return moveToKey(context, replica, request.KmsKeyId);
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
    putVersion(context, secret, { token, value, stages: [currentLabel] });
  }
  return { ARN: secret.arn, Name: secret.name, VersionId: value && token };
});

/**
 * The replica whose key a request changes. Only a replica's key can be changed. Undefined for any other request.
 * @see https://docs.aws.amazon.com/secretsmanager/latest/userguide/standalone-secret.html
 */
function replicaOfKeyChange(context: OperationContext, request: Input<'UpdateSecret'>): Secret | undefined {
  const { SecretId, KmsKeyId, ClientRequestToken: _, ...others } = request;
  if (KmsKeyId === undefined || Object.keys(others).length > 0) return undefined;
  const secret = findUsableSecret(context, SecretId);
  return secret.primaryRegion === undefined && !secret.crossAccountPrimary ? undefined : secret;
}

function moveToKey(context: OperationContext, replica: Secret, kmsKeyId: string | undefined): object {
  const moved = replica.crossAccountPrimary
    ? changeKeyAbroad(context, replica, kmsKeyId)
    : changeReplicaKey(context, replica, kmsKeyId || undefined);
  encryptAnew(context, moved);
  return { ARN: moved.arn, Name: moved.name };
}

function changeKeyAbroad(context: OperationContext, replica: Secret, kmsKeyId: string | undefined): Secret {
  if (!isCustomerKey(kmsKeyId)) {
    throw invalidParameter('A cross-account replica must be encrypted with a customer managed key.');
  }
  const moved = { ...replica, kmsKeyId, changedAt: context.now };
  context.save(moved, replica);
  return moved;
}

/** The text after an update. An empty text removes what was there. If no text is given, it stays. */
function given(text: string | undefined, before: string | undefined): string | undefined {
  return text === undefined ? before : text || undefined;
}

/** As AWS does with a new key: encrypts the versions with labels anew. The others keep their key. */
function encryptAnew({ store }: OperationContext, secret: Secret): void {
  for (const versionId of new Set(Object.values(secret.labels))) {
    const value = store.readValue(secret.arn, versionId);
    if (value) store.writeValue(secret.arn, versionId, value, kmsKeyOf(secret));
  }
}
