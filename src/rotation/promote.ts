import { stepFor } from '../doctor/causes.ts';
import { isKeyturnError, KeyturnError } from '../errors.ts';
import { type VersionStages, versionWith } from '../secrets-manager/staging-labels.ts';
import { revokeUnneeded } from './revocation.ts';
import {
  giveUpPending,
  isIssuing,
  loadIfUsable,
  noVersion,
  type Rotation,
  type Version,
} from './versions.ts';

/**
 * Moves AWSCURRENT to the rotation's version, unless it is there already. If somebody has made another version AWSCURRENT
 * since the step began, that version stays, unless the target refuses it.
 *
 * @throws SecretChanged
 * @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_UpdateSecretVersionStage.html
 */
export async function promote(rotation: Rotation, pending: Version): Promise<void> {
  const { run, current } = rotation;
  const { arn } = run.secret;
  const move = (from: string | undefined): Promise<void> =>
    run.secretsManager.moveLabel(arn, 'AWSCURRENT', { from, to: pending.id });
  try {
    await move(current.id === noVersion ? undefined : current.id);
  } catch (error) {
    if (!isKeyturnError(error, 'SecretsManagerFailed', 'SecretsManagerUnreachable')) throw error;
    const { stages } = await run.secretsManager.describe(arn);
    const nowCurrent = versionWith(stages, 'AWSCURRENT');
    if (nowCurrent === pending.id) return;
    if (nowCurrent === undefined || nowCurrent === current.id) throw error;
    await keepCurrentIfAccepted(rotation, pending, { currentId: nowCurrent, stages });
    await move(nowCurrent);
  }
}

/**
 * Checks that AWSCURRENT is still the version from which the pending one was made. If somebody has set another one since,
 * that version stays, with two exceptions: the target refuses it, or only its password differs, which the rotation is
 * about to change and prove anyway.
 *
 * @throws SecretChanged, after AWSPENDING was taken off
 */
export async function requireUnchanged(rotation: Rotation, pending: Version): Promise<void> {
  const { run, guarded, current } = rotation;
  const base = run.memory.basedOn(run.secret.arn, pending.id);
  const isChanged = base === undefined ? await isCurrentNewer(rotation, pending) : base !== current.id;
  if (!isChanged) return;
  const mayGoOn = run.event.step === 'setSecret' && guarded.rotator.overlap !== 'until-next-rotation';
  if (mayGoOn && differOnlyInPassword(current, pending)) return;
  await keepCurrentIfAccepted(rotation, pending, { currentId: current.id, stages: run.secret.stages });
}

/** A cold function doesn't remember from which version the pending one was made, so it compares dates. */
async function isCurrentNewer({ run, current }: Rotation, pending: Version): Promise<boolean> {
  try {
    const versions = await run.secretsManager.versions(run.secret.arn);
    const madeAtMs = (id: string): number =>
      versions.find((version) => version.id === id)?.createdAt?.getTime() ?? 0;
    return madeAtMs(current.id) > madeAtMs(pending.id);
  } catch (error) {
    // A role made for AWS's templates may not list versions. It must still be able to rotate.
    if (isKeyturnError(error, 'AccessDenied')) return false;
    throw error;
  }
}

function differOnlyInPassword(current: Version, pending: Version): boolean {
  const { password } = pending.document.fields;
  try {
    return current.document.write({ password }) === pending.text;
  } catch (error) {
    if (isKeyturnError(error)) return false;
    throw error;
  }
}

/**
 * Gives up the rotation if the target accepts the version that a person has made AWSCURRENT. Returns if the target refuses
 * it: then only the pending version works.
 *
 * @throws SecretChanged, after AWSPENDING was taken off
 */
async function keepCurrentIfAccepted(
  rotation: Rotation,
  pending: Version,
  { currentId, stages }: { readonly currentId: string; readonly stages: VersionStages },
): Promise<void> {
  const { run, current } = rotation;
  const version = currentId === current.id ? current : await loadIfUsable(rotation, currentId);
  if (version === undefined || (await isRefused(rotation, version))) {
    run.note(
      'AWSCURRENT was set by hand to a version that the target refuses. It moves to the version of this rotation, and the other one becomes AWSPREVIOUS.',
    );
    return;
  }
  // PutSecretValue may have taken it off already, with the new current value.
  if (versionWith(stages, 'AWSPENDING') === pending.id) await giveUpPending(run);
  if (isIssuing(rotation)) await revokeUnneeded(rotation, pending);
  throw secretChanged();
}

/** False for a version of another target: somebody has moved the secret there, and its credential is sent nowhere. */
async function isRefused({ guarded }: Rotation, version: Version): Promise<boolean> {
  try {
    return (await guarded.withSession(version.credential, async () => true)) === undefined;
  } catch (error) {
    if (isKeyturnError(error, 'TargetChanged')) return false;
    throw error;
  }
}

function secretChanged(): KeyturnError {
  return new KeyturnError(
    'SecretChanged',
    'Somebody has set AWSCURRENT to another version since this rotation began.',
    stepFor('SecretChanged'),
  );
}
