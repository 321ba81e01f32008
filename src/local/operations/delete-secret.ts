import { newSecretArn } from '../arn.ts';
import { invalidParameter, ServiceError } from '../errors.ts';
import { integer, type Structure, structure } from '../protocol/shapes.ts';
import { endRotation, withNextWindow } from '../rotation/begin.ts';
import * as members from './members.ts';
import { defineOperation, type OperationContext } from './operation.ts';
import { findSecret, findUsableSecret, seconds } from './secrets.ts';

const DAY_MS = 86_400_000;
const DEFAULT_WINDOW_DAYS = 30;

const deleteMembers = {
  SecretId: members.secretId,
  RecoveryWindowInDays: integer(),
  ForceDeleteWithoutRecovery: members.boolean,
};
type DeleteRequest = Structure<typeof deleteMembers>;

/** @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DeleteSecret.html */
export const deleteSecret = defineOperation('DeleteSecret', structure(deleteMembers), (context, request) => {
  checkWindow(request);
  return request.ForceDeleteWithoutRecovery
    ? deleteAtOnce(context, request.SecretId)
    : markForDeletion(context, request);
});

/** @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RestoreSecret.html */
export const restoreSecret = defineOperation(
  'RestoreSecret',
  structure({ SecretId: members.secretId }),
  (context, request) => {
    const secret = findSecret(context, request.SecretId);
    const rotation = secret.rotation?.enabled
      ? withNextWindow(secret.rotation, context.now)
      : secret.rotation;
    if (secret.deletion) context.save({ ...secret, deletion: undefined, rotation }, secret);
    return { ARN: secret.arn, Name: secret.name };
  },
);

function checkWindow({ RecoveryWindowInDays: days, ForceDeleteWithoutRecovery: force }: DeleteRequest): void {
  if (days === undefined) return;
  if (force) {
    throw invalidParameter(
      "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.",
    );
  }
  if (days < 7 || days > 30) {
    throw invalidParameter('The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).');
  }
}

function markForDeletion(context: OperationContext, request: DeleteRequest): object {
  const secret = findUsableSecret(context, request.SecretId);
  const at = context.now + (request.RecoveryWindowInDays ?? DEFAULT_WINDOW_DAYS) * DAY_MS;
  const ended = endRotation(context, secret, false);
  context.save({ ...ended, deletion: { requestedAt: context.now, at } }, secret);
  return { ARN: secret.arn, Name: secret.name, DeletionDate: seconds(at) };
}

/** AWS answers for a secret that isn't there as if it had deleted it. */
function deleteAtOnce(context: OperationContext, secretId: string): object {
  const DeletionDate = seconds(context.now);
  const secret = findIfAny(context, secretId);
  if (!secret) return { ARN: newSecretArn(context.partition, secretId), Name: secretId, DeletionDate };
  context.store.removeSecret(secret.arn);
  return { ARN: secret.arn, Name: secret.name, DeletionDate };
}

function findIfAny(context: OperationContext, secretId: string) {
  try {
    return findSecret(context, secretId);
  } catch (error) {
    if (error instanceof ServiceError) return undefined;
    throw error;
  }
}
