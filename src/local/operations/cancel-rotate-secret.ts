import { invalidRequest } from '../errors.ts';
import { PENDING } from '../labels.ts';
import { structure } from '../protocol/shapes.ts';
import { endRotation } from '../rotation/begin.ts';
import * as members from './members.ts';
import { defineOperation } from './operation.ts';
import { findUsableSecret } from './secrets.ts';

/**
 * Turns rotation off. A rotation that is under way isn't continued, and the labels stay as they are.
 * @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CancelRotateSecret.html
 */
export const cancelRotateSecret = defineOperation(
  'CancelRotateSecret',
  structure({ SecretId: members.secretId }),
  (context, request) => {
    const secret = findUsableSecret(context, request.SecretId);
    if (!secret.rotation) {
      throw invalidRequest("You can't cancel rotation of a secret that isn't configured for rotation.");
    }
    const ended = endRotation(context, secret, false);
    const rotation = { ...secret.rotation, enabled: false, running: undefined, nextWindow: undefined };
    context.save({ ...ended, rotation, changedAt: context.now }, secret);
    return { ARN: secret.arn, Name: secret.name, VersionId: ended.labels[PENDING] };
  },
);
