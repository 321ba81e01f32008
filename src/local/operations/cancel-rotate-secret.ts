import { invalidRequest } from '../errors.ts';
import { unfinishedRotation } from '../labels.ts';
import { endRotation } from '../rotation/begin.ts';
import { defineOperation } from './operation.ts';
import { findChangeableSecret } from './secrets.ts';

/**
 * Turns rotation off. A rotation that is under way stops, and its labels stay as they are.
 * @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CancelRotateSecret.html
 */
export const cancelRotateSecret = defineOperation('CancelRotateSecret', (context, request) => {
  const secret = findChangeableSecret(context, request.SecretId);
  if (!secret.rotation) {
    throw invalidRequest("You can't cancel rotation of a secret that isn't configured for rotation.");
  }
  const ended = endRotation(context, secret, false);
  const rotation = { ...secret.rotation, enabled: false, running: undefined };
  context.save({ ...ended, rotation, changedAt: context.now }, secret);
  return { ARN: secret.arn, Name: secret.name, VersionId: unfinishedRotation(ended.labels) };
});
