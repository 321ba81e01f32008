import { invalidRequest, resourceNotFound } from '../errors.ts';
import { currentLabel, labelsOf } from '../labels.ts';
import type { Secret, Version } from '../model.ts';
import type { Input } from '../protocol/input.ts';
import { defineOperation, type OperationContext } from './operation.ts';
import { checkKeyServes, dayOf, findUsableSecret, seconds } from './secrets.ts';

/** @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html */
export const getSecretValue = defineOperation('GetSecretValue', readSecretValue);

/**
 * Answers GetSecretValue, and each secret of BatchGetSecretValue.
 * @throws ServiceError ResourceNotFoundException, InvalidRequestException
 */
export function readSecretValue(context: OperationContext, request: Input<'GetSecretValue'>): object {
  const secret = findUsableSecret(context, request.SecretId);
  checkKeyServes(context, secret);
  const versionId = chooseVersion(context, secret, request.VersionId, request.VersionStage);
  const version = versionId === undefined ? undefined : context.store.version(secret.arn, versionId);
  const value = version && context.store.readValue(secret.arn, version.id);
  if (!version || !value) throw valueNotFound(request.VersionId, request.VersionStage);
  noteAccess(context, secret, version);
  const stages = labelsOf(secret.labels, version.id);
  return {
    ARN: secret.arn,
    Name: secret.name,
    VersionId: version.id,
    SecretBinary: value.kind === 'binary' ? value.bytes.toString('base64') : undefined,
    SecretString: value.kind === 'string' ? value.text : undefined,
    VersionStages: stages.length > 0 ? stages : undefined,
    CreatedDate: seconds(version.createdAt),
  };
}

function chooseVersion(
  { store }: OperationContext,
  secret: Secret,
  versionId?: string,
  stage?: string,
): string | undefined {
  if (versionId === undefined) return secret.labels[stage ?? currentLabel];
  if (stage !== undefined && store.version(secret.arn, versionId) && secret.labels[stage] !== versionId) {
    throw invalidRequest('You provided a VersionStage that is not associated to the provided VersionId.');
  }
  return versionId;
}

function valueNotFound(versionId: string | undefined, stage: string | undefined) {
  return resourceNotFound(
    versionId === undefined
      ? `secret value for staging label: ${stage ?? currentLabel}`
      : `secret value for VersionId: ${versionId}`,
  );
}

/** Notes an access. Only the day is kept, so that a secret is written once a day at most. Each region has its own date. */
function noteAccess(context: OperationContext, secret: Secret, version: Version): void {
  const accessedAt = dayOf(context.now);
  if (secret.accessedAt === accessedAt && version.accessedAt === accessedAt) return;
  context.noteAccess({ ...secret, accessedAt }, { ...version, accessedAt });
}
