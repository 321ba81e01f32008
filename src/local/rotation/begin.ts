import { currentLabel, moveLabel, pendingLabel, removeLabel, unfinishedRotation } from '../labels.ts';
import { defaultKmsKeyId, type Rotation, type RotationKind, type Secret } from '../model.ts';
import type { UnitOfWork } from '../unit-of-work.ts';
import { daysUntil, parseSchedule } from './schedule.ts';

/**
 * Registers a rotation in the state: an empty version with the token as its id, labelled AWSPENDING. If a rotation is
 * unfinished, that one continues instead, with its own token.
 * @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotateSecret.html
 */
export function beginRotation(
  unit: UnitOfWork,
  secret: Secret,
  rotation: Rotation,
  newToken: string,
): Secret {
  const token = unfinishedRotation(secret.labels) ?? newToken;
  if (!unit.store.version(secret.arn, token)) {
    unit.store.saveVersion(secret.arn, { id: token, createdAt: unit.now });
  }
  return labelPending(secret, rotation, token, 'rotation');
}

/** Registers a test of the function: a temporary version with the current value, labelled AWSPENDING. */
export function beginTest(unit: UnitOfWork, secret: Secret, rotation: Rotation, token: string): Secret {
  const current = secret.labels[currentLabel];
  const value = current === undefined ? undefined : unit.store.readValue(secret.arn, current);
  unit.store.saveVersion(secret.arn, { id: token, createdAt: unit.now });
  if (value) unit.store.writeValue(secret.arn, token, value, secret.kmsKeyId ?? defaultKmsKeyId);
  return labelPending(secret, rotation, token, 'test');
}

/** Removes a rotation from the state, after it succeeded, was given up or was cancelled. */
export function endRotation(unit: UnitOfWork, secret: Secret, succeeded: boolean): Secret {
  const { rotation } = secret;
  if (!rotation?.running) return secret;
  const { token, kind } = rotation.running;
  const idle: Rotation = { ...rotation, running: undefined };
  if (kind === 'test') return { ...withoutTestVersion(unit, secret, token), rotation: idle };
  if (!succeeded) return { ...secret, rotation: missed(idle, unit.now) };
  return { ...secret, rotatedAt: unit.now, changedAt: unit.now, rotation: withNextWindow(idle, unit.now) };
}

/** The same rotation with its next window after `nowMs`, if it has a schedule. */
export function withNextWindow(rotation: Rotation, nowMs: number): Rotation {
  const nextWindow = rotation.rules && parseSchedule(rotation.rules)?.windowAfter(nowMs);
  const intervalDays = nextWindow && daysUntil(nextWindow, nowMs);
  return { ...rotation, nextWindow, dueAt: nextWindow?.opensAt, intervalDays };
}

/**
 * After a failure, the rotation is tried again in the next window. The old window is still shown, as in cloud-custodian's
 * recording `test_secrets_manager_delete`.
 */
function missed(rotation: Rotation, nowMs: number): Rotation {
  const { nextWindow, rules } = rotation;
  if (!nextWindow || nextWindow.opensAt > nowMs) return rotation;
  return { ...rotation, dueAt: rules && parseSchedule(rules)?.windowAfter(nowMs).opensAt };
}

/**
 * A value that was put by hand counts as a rotation if the schedule is in days. The interval then begins anew.
 * @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotationRulesType.html
 */
export function restartSchedule(after: Secret, before: Secret, nowMs: number): Secret {
  const { rotation } = after;
  if (after.labels[currentLabel] === before.labels[currentLabel]) return after;
  if (!rotation?.enabled || !rotation.rules) return after;
  if (!parseSchedule(rotation.rules)?.restartsOnChange) return after;
  return { ...after, rotation: withNextWindow(rotation, nowMs) };
}

function labelPending(secret: Secret, rotation: Rotation, token: string, kind: RotationKind): Secret {
  const labels = moveLabel(secret.labels, pendingLabel, token);
  return { ...secret, labels, rotation: { ...rotation, running: { token, kind } } };
}

function withoutTestVersion(unit: UnitOfWork, secret: Secret, token: string): Secret {
  if (secret.labels[pendingLabel] !== token || secret.labels[currentLabel] === token) return secret;
  unit.store.removeVersion(secret.arn, token);
  return { ...secret, labels: removeLabel(secret.labels, pendingLabel) };
}
