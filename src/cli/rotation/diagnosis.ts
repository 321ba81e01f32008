import { type PendingValue, type Secret, unfinishedVersion } from '../../secrets-manager/port.ts';
import { versionWith } from '../../secrets-manager/staging-labels.ts';
import { clearPending, tailLog } from './commands.ts';

/** How a secret's rotation stands; stable, for whoever reads --json. */
export type RotationState =
  | 'deleted'
  | 'no-value'
  | 'unfinished-empty'
  | 'unfinished-with-value'
  | 'unfinished-unreadable'
  | 'never-attached'
  | 'off'
  | 'overdue'
  | 'healthy';

/** What a state means, and what to do about it, in sentences. */
export interface Diagnosis {
  readonly state: RotationState;
  readonly findings: readonly string[];
  readonly advice: readonly string[];
}

/**
 * Says how a secret's rotation stands.
 *
 * @param pendingValue of the unfinished version, if there is one
 */
export function diagnose(secret: Secret, pendingValue: PendingValue | undefined, nowMs: number): Diagnosis {
  if (secret.deletedOn !== undefined) {
    return {
      state: 'deleted',
      findings: ['The secret is scheduled for deletion: it can be neither read nor rotated.'],
      advice: [`To keep it: aws secretsmanager restore-secret --secret-id ${secret.arn}`],
    };
  }
  if (versionWith(secret.stages, 'AWSCURRENT') === undefined) {
    return {
      state: 'no-value',
      findings: [
        'No version is AWSCURRENT: the secret has no value, and a rotation has nothing to begin with.',
      ],
      advice: ['Store the credential that works today: aws secretsmanager put-secret-value.'],
    };
  }
  const pending = unfinishedVersion(secret);
  if (pending !== undefined) return unfinished(secret, pending, pendingValue ?? 'unreadable');
  return settled(secret, nowMs);
}

function settled({ name, rotationEnabled, functionArn, nextRotation }: Secret, nowMs: number): Diagnosis {
  const attach = `Turn it on: keyturn attach ${name} --function ${functionArn ?? 'ARN'} --every 30d`;
  if (rotationEnabled === undefined) {
    return {
      state: 'never-attached',
      findings: ['Rotation was never turned on: nothing rotates the secret.'],
      advice: [attach],
    };
  }
  if (!rotationEnabled) {
    return {
      state: 'off',
      findings: ['Rotation was turned off: nothing rotates the secret.'],
      advice: [attach],
    };
  }
  if (nextRotation !== undefined && nextRotation.getTime() < nowMs) {
    return {
      state: 'overdue',
      findings: ['Rotation is on, but the window of its last rotation has passed without one.'],
      advice: [...logAdvice(functionArn), `Rotate now: keyturn rotate ${name}`],
    };
  }
  return { state: 'healthy', findings: ['Rotation is on, and nothing is unfinished.'], advice: [] };
}

const stateOf = {
  empty: 'unfinished-empty',
  present: 'unfinished-with-value',
  unreadable: 'unfinished-unreadable',
} as const;

const meaningOf: Readonly<Record<PendingValue, string>> = {
  empty:
    'That version is empty: createSecret has stored no new credential, so AWSCURRENT has not been touched and works as before.',
  present:
    'That version has a value: setSecret may have been done or not. So it may hold the credential that the target accepts now, instead of AWSCURRENT; no call of AWS tells which.',
  unreadable:
    'Whether that version has a value could not be read. If it has one, it may hold the credential that the target accepts now, instead of AWSCURRENT.',
};

function unfinished(secret: Secret, pending: string, value: PendingValue): Diagnosis {
  const on = secret.rotationEnabled === true;
  const findings = [
    `A rotation is not complete: AWSPENDING is on version ${pending}, and AWSCURRENT is not.`,
    meaningOf[value],
    on
      ? 'It may be under way just now, or Secrets Manager tries it again, or it is stuck; no other rotation begins before it ends.'
      : 'Rotation was turned off meanwhile, so nothing goes on with it.',
  ];
  return { state: stateOf[value], findings, advice: [...nextSteps(secret, pending, value, on)] };
}

function* nextSteps(secret: Secret, pending: string, value: PendingValue, on: boolean): Generator<string> {
  const { arn, name, functionArn } = secret;
  if (value !== 'empty') {
    yield 'Keep that version, and store no other value meanwhile: it may be the only copy of the live credential.';
  }
  if (on) {
    yield* logAdvice(functionArn);
    yield `Mend what it names and have Secrets Manager go on: keyturn rotate ${name}`;
  }
  const harmless =
    value === 'empty'
      ? 'Taking AWSPENDING off it is harmless'
      : "Taking AWSPENDING off it is harmless for Keyturn's functions, which try versions without a label too; others may lock you out";
  yield `${harmless}: ${clearPending(arn, pending)}`;
  if (!on)
    yield `Then turn rotation on again: keyturn attach ${name} --function ${functionArn ?? 'ARN'} --every 30d`;
}

function logAdvice(functionArn: string | undefined): string[] {
  return functionArn === undefined ? [] : [`Why it failed is in the function's log: ${tailLog(functionArn)}`];
}
