import { readPending } from '../cli/rotation/status.ts';
import { type Diagnosis, diagnose, type RotationState } from '../doctor/diagnosis.ts';
import type { Preflight } from '../doctor/facts.ts';
import { type SecretsManagementPort, unfinishedVersion } from '../secrets-manager/port.ts';

/** The buttons that mend a secret. */
export type Remedy = 'rotate' | 'clear-pending' | 'restore' | 'attach' | 'preflight';

/** The state of a secret's rotation, what it means, and what is safe to do. */
export interface ShownDiagnosis extends Diagnosis {
  readonly tone: 'good' | 'bad' | 'plain';
  readonly title: string;
  readonly remedies: readonly Remedy[];
  /** The version that AWSPENDING is stuck on. */
  readonly pending: string | undefined;
}

const titles: Readonly<Record<RotationState, string>> = {
  deleted: 'Scheduled for deletion',
  'no-value': 'There is no value',
  'unfinished-empty': 'A rotation is not complete',
  'unfinished-with-value': 'A rotation is not complete',
  'unfinished-unreadable': 'A rotation is not complete',
  'never-attached': 'Not rotated',
  off: 'Rotation is off',
  overdue: 'A rotation is overdue',
  'preflight-failed': 'The preflight has failed',
  'would-fail': 'The next rotation would fail',
  healthy: 'In order',
};

/**
 * Diagnoses a secret. It reads the pending version to see whether it has a value.
 *
 * @param preflight the last answer of its function
 * @throws KeyturnError
 */
export async function diagnoseSecret(
  secrets: SecretsManagementPort,
  secretId: string,
  preflight: Preflight | undefined,
  nowMs: number,
): Promise<ShownDiagnosis> {
  const secret = await secrets.describe(secretId);
  const pendingValue = await readPending(secrets, secret);
  const diagnosis = diagnose({ secret, pendingValue, preflight, surroundings: undefined }, nowMs);
  const { state } = diagnosis;
  const isQuiet = state === 'never-attached' || state === 'off';
  return {
    ...diagnosis,
    tone: state === 'healthy' ? 'good' : isQuiet ? 'plain' : 'bad',
    title: titles[state],
    remedies: remediesFor(state, secret.rotationEnabled === true),
    pending: secret.deletedOn === undefined ? unfinishedVersion(secret) : undefined,
  };
}

function remediesFor(state: RotationState, isOn: boolean): readonly Remedy[] {
  switch (state) {
    case 'deleted':
      return ['restore'];
    case 'unfinished-empty':
    case 'unfinished-with-value':
    case 'unfinished-unreadable':
      return isOn ? ['rotate', 'clear-pending'] : ['clear-pending', 'attach'];
    case 'never-attached':
    case 'off':
      return ['attach'];
    case 'overdue':
      return ['rotate'];
    case 'preflight-failed':
    case 'would-fail':
      return ['preflight'];
    case 'no-value':
    case 'healthy':
      return [];
  }
}
