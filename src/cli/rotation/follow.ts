import { setTimeout as sleep } from 'node:timers/promises';
import {
  type PendingValue,
  type Secret,
  type SecretsManagementPort,
  valueIn,
} from '../../secrets-manager/port.ts';
import { versionWith } from '../../secrets-manager/staging-labels.ts';

/** The steps whose end can be seen at the secret. */
export type SeenStep = 'createSecret' | 'setSecret' | 'finishSecret';

/** A step that was seen to be done. */
export interface Sighting {
  readonly step: SeenStep;
  /** Since the following began. */
  readonly afterMs: number;
}

/** How a rotation went, as far as the secret shows it. */
export interface Followed {
  /** `unfinished`: when the time was up, it was still going on, or was stuck. */
  readonly outcome: 'succeeded' | 'failed' | 'unfinished';
  readonly version: string;
  readonly steps: readonly Sighting[];
  readonly durationMs: number;
  /** Why it failed. */
  readonly reason?: string;
}

/** Which rotation to follow, and for how long. */
export interface Following {
  readonly secretArn: string;
  /** The version that the rotation makes. */
  readonly version: string;
  /** The secret before the rotation was asked for. */
  readonly before: Pick<Secret, 'lastRotated'>;
  readonly timeoutMs: number;
  onStep(sighting: Sighting): void;
}

const eagerMs = 10_000;
const eagerPollMs = 250;
const patientPollMs = 2_000;

/**
 * Follows a rotation by DescribeSecret until it ends or the time is up. No call tells which step is done. createSecret is
 * done when the version has a value. setSecret is taken to be done when AWSCURRENT is on the version, whichever step moved
 * it. finishSecret is done when Secrets Manager has a new date of the last rotation.
 */
export async function followRotation(api: SecretsManagementPort, following: Following): Promise<Followed> {
  const { secretArn, version, timeoutMs, onStep } = following;
  const startedAt = performance.now();
  const steps: Sighting[] = [];
  const see = (step: SeenStep): void => {
    if (steps.some((seen) => seen.step === step)) return;
    const sighting = { step, afterMs: Math.round(performance.now() - startedAt) };
    steps.push(sighting);
    onStep(sighting);
  };
  let began = false;
  let value: PendingValue = 'empty';
  for (;;) {
    const secret = await api.describe(secretArn);
    const labels = secret.stages[version] ?? [];
    began ||= labels.length > 0;
    if (value === 'empty') value = await lookForValue(api, secret, version);
    const isCurrent = labels.includes('AWSCURRENT');
    if (isCurrent || value === 'present') see('createSecret');
    if (isCurrent) see('setSecret');
    const end = endOf(secret, following, began);
    if (end?.outcome === 'succeeded') see('finishSecret');
    const durationMs = Math.round(performance.now() - startedAt);
    if (end !== undefined) return { ...end, version, steps, durationMs };
    if (durationMs >= timeoutMs) return { outcome: 'unfinished', version, steps, durationMs };
    await sleep(Math.min(durationMs < eagerMs ? eagerPollMs : patientPollMs, timeoutMs - durationMs));
  }
}

async function lookForValue(
  api: SecretsManagementPort,
  { arn, stages }: Secret,
  version: string,
): Promise<PendingValue> {
  return versionWith(stages, 'AWSPENDING') === version ? valueIn(api, arn, version) : 'empty';
}

/** How the rotation ended; undefined while it goes on. A read may lag, so a version not seen yet may still come. */
function endOf(
  { stages, rotationEnabled, lastRotated }: Secret,
  { version, before }: Following,
  began: boolean,
): Pick<Followed, 'outcome' | 'reason'> | undefined {
  const labels = stages[version] ?? [];
  if (labels.includes('AWSCURRENT')) {
    const isNoted = lastRotated !== undefined && lastRotated.getTime() !== before.lastRotated?.getTime();
    return isNoted ? { outcome: 'succeeded' } : undefined;
  }
  if (rotationEnabled === false) return { outcome: 'failed', reason: 'Rotation was turned off meanwhile.' };
  if (!began || labels.includes('AWSPENDING')) return undefined;
  return {
    outcome: 'failed',
    reason:
      'AWSPENDING was taken off the new version: the target refused the new password for good (PasswordRejected), or somebody gave this rotation up, by hand or by storing a value.',
  };
}

/**
 * Waits until the temporary version of a test has lost AWSPENDING.
 * @returns false if the time was up before
 */
export async function awaitTestEnd(
  api: SecretsManagementPort,
  { secretArn, version, timeoutMs }: Pick<Following, 'secretArn' | 'version' | 'timeoutMs'>,
): Promise<boolean> {
  const startedAt = performance.now();
  while (versionWith((await api.describe(secretArn)).stages, 'AWSPENDING') === version) {
    if (performance.now() - startedAt >= timeoutMs) return false;
    await sleep(eagerPollMs);
  }
  return true;
}
