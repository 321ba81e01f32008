import { withoutDeprecated } from '../clean-up.ts';
import { limitExceeded, resourceExists } from '../errors.ts';
import {
  currentLabel,
  type Labels,
  moveLabel,
  pendingLabel,
  removeLabel,
  unfinishedRotation,
} from '../labels.ts';
import { type Secret, type SecretValue, sameValue } from '../model.ts';
import { restartSchedule } from '../rotation/begin.ts';
import { rotationEvent } from '../service-events.ts';
import type { UnitOfWork } from '../unit-of-work.ts';
import { kmsKeyOf } from './secrets.ts';

/** @see https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html */
const maxLabels = 20;

/** A value to be put into a version of a secret. */
export interface NewVersion {
  readonly token: string;
  readonly value: SecretValue;
  readonly stages: readonly string[];
}

/**
 * Makes a version, or fills the empty one that a rotation has made. The same token with the same value again changes nothing.
 * @returns the secret as it is afterwards
 * @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html
 * @throws ServiceError ResourceExistsException if the token's version holds another value
 * @throws ServiceError LimitExceededException for too many labels
 */
export function putVersion(unit: UnitOfWork, secret: Secret, { token, value, stages }: NewVersion): Secret {
  const stored = unit.store.readValue(secret.arn, token);
  if (stored) {
    if (!sameValue(stored, value)) throw tokenInUse(token, secret);
    return secret;
  }
  const labels = stagesAttached(unit, secret, token, stages);
  addVersion(unit, secret, token, value);
  const labelled = { ...secret, labels, changedAt: unit.now };
  const abandoned =
    labels[currentLabel] === secret.labels[currentLabel]
      ? labelled
      : withoutPending(unit, labelled, secret, token);
  const changed = withoutDeprecated(unit, restartSchedule(abandoned, secret, unit.now));
  unit.save(changed, secret);
  return changed;
}

/** Makes a version if there is none with this id, and puts a value into it. */
function addVersion(unit: UnitOfWork, secret: Secret, versionId: string, value: SecretValue): void {
  if (!unit.store.version(secret.arn, versionId)) {
    unit.store.saveVersion(secret.arn, { id: versionId, createdAt: unit.now });
  }
  unit.store.writeValue(secret.arn, versionId, value, kmsKeyOf(secret));
}

/** The error for a token whose version holds another value. */
export function tokenInUse(token: string, secret: Secret) {
  return resourceExists(
    `You can't use ClientRequestToken ${token} because that value is already in use for a version of secret ${secret.arn}.`,
  );
}

/** @throws ServiceError LimitExceededException */
export function checkLabels(labels: Labels): Labels {
  if (Object.keys(labels).length <= maxLabels) return labels;
  throw limitExceeded(`A secret can have no more than ${maxLabels} staging labels.`);
}

/** The labels after a version is put. A secret's first version becomes AWSCURRENT, even if the request names other labels. */
function stagesAttached(
  unit: UnitOfWork,
  secret: Secret,
  versionId: string,
  stages: readonly string[],
): Labels {
  const first = secret.labels[currentLabel] === undefined && unit.store.versions(secret.arn).length === 0;
  const wanted = [...(first ? [currentLabel] : []), ...stages];
  return checkLabels(wanted.reduce((labels, stage) => moveLabel(labels, stage, versionId), secret.labels));
}

/**
 * If somebody puts a new current version, AWSPENDING is taken off the version that has it. This ends a rotation that is under
 * way. Recorded by localstack's test `test_update_secret_version_stages_current_pending`.
 * @see https://docs.aws.amazon.com/secretsmanager/latest/userguide/retrieve-ct-entries.html RotationAbandoned
 */
function withoutPending(unit: UnitOfWork, after: Secret, before: Secret, putVersionId: string): Secret {
  const pending = after.labels[pendingLabel];
  if (pending === undefined || pending === putVersionId) return after;
  const { rotation } = after;
  if (rotation && unfinishedRotation(before.labels) === pending) {
    unit.tell(rotationEvent('RotationAbandoned', { timeMs: unit.now, secretArn: after.arn, token: pending }));
  }
  return {
    ...after,
    labels: removeLabel(after.labels, pendingLabel),
    rotation: rotation && { ...rotation, running: undefined },
  };
}
