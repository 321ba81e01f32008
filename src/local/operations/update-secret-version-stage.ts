import { withoutDeprecated } from '../clean-up.ts';
import { invalidParameter } from '../errors.ts';
import { currentLabel, type Labels, moveLabel, removeLabel } from '../labels.ts';
import type { Secret } from '../model.ts';
import { defineOperation, type OperationContext } from './operation.ts';
import { findChangeableSecret } from './secrets.ts';
import { checkLabels } from './versions.ts';

interface StageMove {
  readonly stage: string;
  readonly from: string | undefined;
  readonly to: string | undefined;
}

/** @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_UpdateSecretVersionStage.html */
export const updateSecretVersionStage = defineOperation('UpdateSecretVersionStage', (context, request) => {
  const secret = findChangeableSecret(context, request.SecretId);
  const move = {
    stage: request.VersionStage,
    from: request.RemoveFromVersionId,
    to: request.MoveToVersionId,
  };
  checkVersions(context, secret, move);
  checkHolder(secret.labels, move);
  const labels = checkLabels(apply(secret.labels, move));
  if (labels !== secret.labels) {
    context.save(withoutDeprecated(context, { ...secret, labels, changedAt: context.now }), secret);
  }
  return { ARN: secret.arn, Name: secret.name };
});

function checkVersions({ store }: OperationContext, secret: Secret, { from, to }: StageMove): void {
  for (const versionId of [from, to]) {
    if (versionId !== undefined && !store.version(secret.arn, versionId)) {
      throw invalidParameter(`Not a valid version: ${versionId}`);
    }
  }
}

/** Checks that the request names the version that has the label now. So nobody moves a label that another has just moved. */
function checkHolder(labels: Labels, { stage, from, to }: StageMove): void {
  const holder = labels[stage];
  if (from === undefined && to === undefined) {
    throw invalidParameter('You must specify MoveToVersionId, RemoveFromVersionId, or both.');
  }
  if (from !== undefined && from !== holder) {
    throw invalidParameter(
      `The parameter RemoveFromVersionId is invalid. Staging label ${stage} isn't attached to version ${from}.`,
    );
  }
  if (from === undefined && holder !== undefined && holder !== to) {
    throw invalidParameter(
      `The parameter RemoveFromVersionId can't be empty. Staging label ${stage} is currently attached to version ` +
        `${holder}, so you must explicitly reference that version in RemoveFromVersionId.`,
    );
  }
  if (stage === currentLabel && to === undefined) {
    // AWS's words and apostrophe, as in Terraform's provider (secret_version.go).
    throw invalidParameter(
      `You can only move staging label ${currentLabel} to a different secret version. It can’t be completely removed.`,
    );
  }
}

function apply(labels: Labels, { stage, to }: StageMove): Labels {
  return to === undefined ? removeLabel(labels, stage) : moveLabel(labels, stage, to);
}
