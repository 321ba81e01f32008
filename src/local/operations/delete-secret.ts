import { newSecretArn } from '../arn.ts';
import { removeForGood, tellOfVersions } from '../deletion.ts';
import { invalidParameter, invalidRequest, notOnCrossAccountReplica, notOnReplica } from '../errors.ts';
import type { Secret } from '../model.ts';
import type { Input } from '../protocol/input.ts';
import { endRotation } from '../rotation/begin.ts';
import { defineOperation, type OperationContext } from './operation.ts';
import { findSecret, findSecretIfAny, seconds } from './secrets.ts';

const dayMs = 86_400_000;
const defaultWindowDays = 30;

type DeleteRequest = Input<'DeleteSecret'>;

/** @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DeleteSecret.html */
export const deleteSecret = defineOperation('DeleteSecret', (context, request) => {
  checkWindow(request);
  return request.ForceDeleteWithoutRecovery
    ? deleteAtOnce(context, request.SecretId)
    : markForDeletion(context, request);
});

/** @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RestoreSecret.html */
export const restoreSecret = defineOperation('RestoreSecret', (context, request) => {
  const secret = findSecret(context, request.SecretId);
  if (secret.primaryRegion !== undefined) throw notOnReplica();
  if (secret.deletion) {
    tellOfVersions(context, secret, 'CancelSecretVersionDelete');
    context.save({ ...secret, deletion: undefined, changedAt: context.now }, secret);
  }
  return { ARN: secret.arn, Name: secret.name };
});

function checkWindow({ RecoveryWindowInDays: days, ForceDeleteWithoutRecovery: force }: DeleteRequest): void {
  if (days === undefined) return;
  if (days < 7 || days > 30) {
    throw invalidParameter('The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).');
  }
  if (force) {
    throw invalidParameter(
      "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.",
    );
  }
}

/** Also turns rotation off: in cloud-custodian's recordings, RotationEnabled is false after DeleteSecret. */
function markForDeletion(context: OperationContext, request: DeleteRequest): object {
  const secret = findSecret(context, request.SecretId);
  checkDeletable(secret, request.SecretId);
  if (secret.deletion) {
    throw invalidRequest(
      "You can't perform this operation on the secret because it was already scheduled for deletion.",
    );
  }
  const at = context.now + (request.RecoveryWindowInDays ?? defaultWindowDays) * dayMs;
  const { rotation, ...ended } = endRotation(context, secret, false);
  tellOfVersions(context, secret, 'StartSecretVersionDelete');
  context.save(
    {
      ...ended,
      rotation: rotation && { ...rotation, enabled: false },
      deletion: { requestedAt: context.now, at },
      changedAt: context.now,
    },
    secret,
  );
  return { ARN: secret.arn, Name: secret.name, DeletionDate: seconds(at) };
}

/** If the secret doesn't exist, AWS answers as if it had deleted it. */
function deleteAtOnce(context: OperationContext, secretId: string): object {
  const DeletionDate = seconds(context.now);
  const secret = findSecretIfAny(context, secretId);
  if (!secret) return { ARN: newSecretArn(context.partition, secretId), Name: secretId, DeletionDate };
  checkDeletable(secret, secretId);
  removeForGood(context, secret);
  return { ARN: secret.arn, Name: secret.name, DeletionDate };
}

/**
 * Checks that a secret may be deleted. The words about replica regions are AWS's, from aws-nuke's issue 1127. Those about
 * replicas in other accounts are our own.
 */
function checkDeletable(secret: Secret, secretId: string): void {
  const { replicas, primaryRegion, crossAccountPrimary, crossAccountReplica } = secret;
  if (primaryRegion !== undefined) throw notOnReplica();
  if (crossAccountPrimary) throw notOnCrossAccountReplica();
  if (crossAccountReplica?.status === 'InSync') {
    throw invalidParameter(
      `You can't delete secret ${secretId} that still has the cross-account replica ${crossAccountReplica.arn}.`,
    );
  }
  if (!replicas) return;
  const regions = replicas.map(({ region }) => region).join(', ');
  throw invalidParameter(`You can't delete secret ${secretId} that still has replica regions [${regions}].`);
}
