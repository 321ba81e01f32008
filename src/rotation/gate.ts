import { stepFor } from '../doctor/causes.ts';
import { KeyturnError } from '../errors.ts';
import type { Secret } from '../secrets-manager/port.ts';
import { type RotationEvent, revocationStep, type Step, steps } from './event.ts';

/** The DescribeSecret fields that decide whether a step may run. */
export type StagedSecret = Pick<Secret, 'arn' | 'rotationEnabled' | 'stages'>;

/** What the gate permits an event to do. A refusal is thrown. */
export type Permitted =
  | { readonly kind: 'proceed'; readonly step: Step }
  | { readonly kind: 'preflight' }
  | { readonly kind: 'revocation' }
  | { readonly kind: 'already-current' };

/**
 * A step that Secrets Manager never sends. `keyturn attach` sends it to check the current version: the function answers
 * with the findings, which no Secrets Manager call returns.
 */
export const preflightStep = 'preflight';

/**
 * The gate that every step passes first. It makes the same checks as AWS's templates, in their order and words.
 *
 * @throws RotationNotEnabled, VersionNotStaged, VersionNotPending, UnknownStep
 * @see https://github.com/aws-samples/aws-secrets-manager-rotation-lambdas
 */
export function checkEvent(event: RotationEvent, secret: StagedSecret): Permitted {
  const { token } = event;
  if (secret.rotationEnabled === false) {
    throw new KeyturnError(
      'RotationNotEnabled',
      `Secret ${secret.arn} is not enabled for rotation.`,
      stepFor('RotationNotEnabled'),
    );
  }
  if (event.step === revocationStep) return { kind: 'revocation' };
  const labels = Object.hasOwn(secret.stages, token) ? secret.stages[token] : undefined;
  if (labels === undefined) {
    throw new KeyturnError(
      'VersionNotStaged',
      `Secret version ${token} has no stage for rotation of secret ${secret.arn}.`,
      stepFor('VersionNotStaged'),
    );
  }
  if (labels.includes('AWSCURRENT')) {
    return { kind: event.step === preflightStep ? 'preflight' : 'already-current' };
  }
  if (!labels.includes('AWSPENDING')) {
    throw new KeyturnError(
      'VersionNotPending',
      `Secret version ${token} not set as AWSPENDING for rotation of secret ${secret.arn}.`,
      stepFor('VersionNotPending'),
    );
  }
  const step = steps.find((name) => name === event.step);
  if (step === undefined) {
    throw new KeyturnError('UnknownStep', 'Invalid step parameter.', `Send one of ${steps.join(', ')}.`, {
      field: 'Step',
    });
  }
  return { kind: 'proceed', step };
}
