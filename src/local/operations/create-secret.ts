import { newSecretArn } from '../arn.ts';
import { checkReplicaRequest } from '../cross-account.ts';
import { invalidRequest, resourceExists } from '../errors.ts';
import { currentLabel } from '../labels.ts';
import { type Secret, type SecretValue, sameValue } from '../model.ts';
import { addReplicas, beingReplicated } from '../replication.ts';
import { defineOperation, type OperationContext } from './operation.ts';
import { checkName, requireToken, valueIn } from './secrets.ts';
import { firstTags } from './tags.ts';
import { putVersion, tokenInUse } from './versions.ts';

/** @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html */
export const createSecret = defineOperation('CreateSecret', (context, request) => {
  const token = requireToken(request.ClientRequestToken);
  checkName(request.Name);
  const { CrossAccountPrimaryARN } = request;
  const arn = newSecretArn(context.partition, request.Name);
  if (CrossAccountPrimaryARN !== undefined) checkReplicaRequest(arn, request);
  const value = valueIn(request);
  const existing = context.store.secretByName(context.partition, request.Name);
  if (existing) return answerExisting(context, existing, token, value);
  const secret: Secret = {
    arn,
    name: request.Name,
    type: request.Type,
    description: request.Description || undefined,
    kmsKeyId: request.KmsKeyId || undefined,
    tags: firstTags(request.Name, request.Tags),
    labels: {},
    crossAccountPrimary:
      CrossAccountPrimaryARN === undefined ? undefined : { arn: CrossAccountPrimaryARN, status: 'Pending' },
    createdAt: context.now,
    changedAt: context.now,
  };
  context.save(secret);
  const created = value ? putVersion(context, secret, { token, value, stages: [currentLabel] }) : secret;
  const regions = request.AddReplicaRegions;
  const replicated =
    regions && addReplicas(context, created, regions, request.ForceOverwriteReplicaSecret === true);
  return {
    ARN: secret.arn,
    Name: secret.name,
    VersionId: value && token,
    ReplicationStatus: replicated && beingReplicated(replicated),
  };
});

/** A client that didn't get the answer sends the request again with the same token. It gets the same answer. */
function answerExisting(
  { store }: OperationContext,
  secret: Secret,
  token: string,
  value: SecretValue | undefined,
): object {
  if (secret.deletion) {
    throw invalidRequest(
      "You can't create this secret because a secret with this name is already scheduled for deletion.",
    );
  }
  const stored = store.readValue(secret.arn, token);
  if (!stored) throw resourceExists(`The operation failed because the secret ${secret.name} already exists.`);
  if (!value || !sameValue(stored, value)) throw tokenInUse(token, secret);
  return { ARN: secret.arn, Name: secret.name, VersionId: token };
}
