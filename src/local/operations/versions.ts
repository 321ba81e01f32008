import { randomUUID } from 'node:crypto';
import { resourceExists } from '../errors.ts';
import { CURRENT, type Labels, moveLabel } from '../labels.ts';
import { type Secret, type SecretValue, sameValue } from '../model.ts';
import { restartSchedule } from '../rotation/begin.ts';
import type { UnitOfWork } from '../state.ts';
import { kmsKeyOf } from './secrets.ts';

/** A value to be put into a version of a secret. */
export interface NewVersion {
  readonly token: string | undefined;
  readonly value: SecretValue;
  readonly stages: readonly string[];
}

/** What became of it. */
export interface PutResult {
  readonly secret: Secret;
  readonly versionId: string;
}

/**
 * Makes a version, or fills the empty one that a rotation has made. The same token with the same value again changes
 * nothing.
 * @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html
 * @throws ServiceError ResourceExistsException when the token's version holds another value
 */
export function putVersion(
  unit: UnitOfWork,
  secret: Secret,
  { token, value, stages }: NewVersion,
): PutResult {
  const versionId = token ?? randomUUID();
  const stored = unit.store.readValue(secret.arn, versionId);
  if (stored) {
    if (!sameValue(stored, value)) throw tokenInUse(versionId, secret);
    return { secret, versionId };
  }
  const labels = stagesAttached(unit, secret, versionId, stages);
  addVersion(unit, secret, versionId, value);
  const changed = restartSchedule({ ...secret, labels, changedAt: unit.now }, secret, unit.now);
  unit.save(changed, secret);
  return { secret: changed, versionId };
}

/** Makes a version if there is none with this id, and puts a value into it if there is one to put. */
export function addVersion(unit: UnitOfWork, secret: Secret, versionId: string, value?: SecretValue): void {
  if (!unit.store.version(secret.arn, versionId)) {
    unit.store.saveVersion(secret.arn, { id: versionId, createdAt: unit.now });
  }
  if (value) unit.store.writeValue(secret.arn, versionId, value, kmsKeyOf(secret));
}

/** The error for a token whose version holds something else. */
export function tokenInUse(token: string, secret: Secret) {
  return resourceExists(
    `You can't use ClientRequestToken ${token} because that value is already in use for a version of secret ${secret.arn}.`,
  );
}

/** A secret's first version is AWSCURRENT, whatever it was asked to be. */
function stagesAttached(
  unit: UnitOfWork,
  secret: Secret,
  versionId: string,
  stages: readonly string[],
): Labels {
  const first = secret.labels[CURRENT] === undefined && unit.store.versions(secret.arn).length === 0;
  return [...(first ? [CURRENT] : []), ...stages].reduce(
    (labels, stage) => moveLabel(labels, stage, versionId),
    secret.labels,
  );
}
