import { newSecretArn } from '../arn.ts';
import { invalidRequest, resourceExists, validationFailure } from '../errors.ts';
import { CURRENT } from '../labels.ts';
import { type Secret, type SecretValue, sameValue } from '../model.ts';
import { list, required, structure, text } from '../protocol/shapes.ts';
import * as members from './members.ts';
import { defineOperation, type OperationContext } from './operation.ts';
import { mergeTags, valueIn } from './secrets.ts';
import { putVersion, tokenInUse } from './versions.ts';

const input = structure({
  Name: required(text({ min: 1, max: 512 })),
  ClientRequestToken: members.clientRequestToken,
  Description: members.description,
  KmsKeyId: members.kmsKeyId,
  SecretString: members.secretString,
  SecretBinary: members.secretBinary,
  Tags: members.tags,
  AddReplicaRegions: list(structure({ Region: text(), KmsKeyId: text() }), { min: 1 }),
  ForceOverwriteReplicaSecret: members.boolean,
});

/** @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html */
export const createSecret = defineOperation('CreateSecret', input, (context, request) => {
  checkName(request.Name);
  if (request.AddReplicaRegions)
    throw validationFailure('Keyturn has no replica regions yet: leave out AddReplicaRegions.');
  const value = valueIn(request);
  const existing = context.store.secretByName(request.Name);
  if (existing) return answerExisting(context, existing, request.ClientRequestToken, value);
  const secret: Secret = {
    arn: newSecretArn(context.partition, request.Name),
    name: request.Name,
    description: request.Description,
    kmsKeyId: request.KmsKeyId || undefined,
    tags: mergeTags([], request.Tags ?? []),
    labels: {},
    createdAt: context.now,
    changedAt: context.now,
  };
  context.save(secret);
  if (!value) return { ARN: secret.arn, Name: secret.name };
  const put = putVersion(context, secret, { token: request.ClientRequestToken, value, stages: [CURRENT] });
  return { ARN: secret.arn, Name: secret.name, VersionId: put.versionId };
});

function checkName(name: string): void {
  if (!/^[A-Za-z0-9\-/_+=.@!]+$/.test(name)) {
    throw validationFailure(
      'Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!',
    );
  }
}

/** A client that didn't hear the answer asks again with the same token, and is answered the same. */
function answerExisting(
  { store }: OperationContext,
  secret: Secret,
  token: string | undefined,
  value: SecretValue | undefined,
): object {
  if (secret.deletion) {
    throw invalidRequest(
      "You can't create this secret because a secret with this name is already scheduled for deletion.",
    );
  }
  const stored = token === undefined ? undefined : store.readValue(secret.arn, token);
  if (token === undefined || !stored) {
    throw resourceExists(`The operation failed because the secret ${secret.name} already exists.`);
  }
  if (!value || !sameValue(stored, value)) throw tokenInUse(token, secret);
  return { ARN: secret.arn, Name: secret.name, VersionId: token };
}
