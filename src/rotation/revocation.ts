import { isDeepStrictEqual } from 'node:util';
import type { ChangeContext, ChangingRotator, IssuingRotator, Session } from '../rotator/contract.ts';
import { versionWith } from '../secrets-manager/staging-labels.ts';
import { createAdminLogin } from './admin.ts';
import { adminFor } from './change.ts';
import { currentRefused, requireCurrentAccepted } from './proof.ts';
import { isSameServer, isSameTarget } from './targets.ts';
import { adminContext, requireMayChange } from './trust.ts';
import { identityOf } from './valid-rotators.ts';
import { isIssuing, loadIfUsable, type Rotation, type Version } from './versions.ts';

const hourMs = 3_600_000;

/**
 * Revokes an issued credential that nobody will use: it could not be stored, or the rotation was given up. It stays if a
 * labelled version holds it too, since a target may issue the same credential twice.
 */
export async function revokeUnneeded(rotation: Rotation<IssuingRotator>, issued: Version): Promise<void> {
  const { run } = rotation;
  const { stages } = await run.secretsManager.describe(run.secret.arn);
  const others = Object.keys(stages).filter((id) => id !== issued.id || isLabelled(stages[id]));
  if (!(await isHeldBy(rotation, others, issued))) await revoke(rotation, issued);
}

function isLabelled(labels: readonly string[] | undefined): boolean {
  return labels !== undefined && labels.length > 0;
}

async function revoke(rotation: Rotation<IssuingRotator>, { credential }: Version): Promise<void> {
  const { guarded, current } = rotation;
  const context = { ...adminContext(rotation), current: current.credential };
  await guarded.attempt('revoke', credential, async () => guarded.rotator.revoke?.(credential, context));
}

/** Whether one of these versions holds the same credential, by what identifies it at the target. */
async function isHeldBy(
  rotation: Rotation<IssuingRotator>,
  ids: readonly string[],
  { credential }: Version,
): Promise<boolean> {
  const identify = (of: unknown): unknown => identityOf(rotation.guarded.rotator, of, rotation.run.redactor);
  const versions = await Promise.all(ids.map((id) => loadIfUsable(rotation, id)));
  return versions.some(
    (other) => other !== undefined && isDeepStrictEqual(identify(other.credential), identify(credential)),
  );
}

/**
 * Before AWSCURRENT moves: revokes the credentials that no version will need afterwards.
 *
 * - AWSPREVIOUS
 * - Credentials of rotations that were given up: versions without a label that are not older than both AWSPREVIOUS and
 *   AWSCURRENT
 * - Credentials that were issued and never stored (orphans)
 */
export async function revokeSuperseded(rotation: Rotation<IssuingRotator>): Promise<void> {
  const { guarded, current } = rotation;
  const { rotator } = guarded;
  if (rotator.revoke !== undefined) {
    for (const id of await supersededIds(rotation)) await revokeVersion(rotation, id);
  }
  if (rotator.revokeOrphans === undefined) return;
  const needed = await neededCredentials(rotation);
  await guarded.attempt('revoke orphans', current.credential, async () =>
    rotator.revokeOrphans?.(current.credential, { ...adminContext(rotation), needed }),
  );
}

async function supersededIds({ run, current }: Rotation<IssuingRotator>): Promise<string[]> {
  const previous = versionWith(run.secret.stages, 'AWSPREVIOUS');
  const ids = previous === undefined ? [] : [previous];
  const versions = await run.secretsManager.versions(run.secret.arn);
  const kept = versions.filter(({ id }) => id === current.id || id === previous);
  const sinceMs = Math.min(...kept.map(madeAtMs));
  // Both answers must say that a version has no label: somebody may have stored it after the first one.
  const givenUp = versions.filter(
    ({ id, labels, createdAt }) =>
      madeAtMs({ createdAt }) >= sinceMs && labels.length === 0 && run.secret.stages[id] === undefined,
  );
  return [...ids, ...givenUp.map(({ id }) => id)];
}

/**
 * Revokes a version's credential, unless AWSCURRENT or AWSPENDING holds the same one. A version for another target is left
 * alone: its credential must not be sent to AWSCURRENT's target, nor the admin's to the other one.
 */
async function revokeVersion(rotation: Rotation<IssuingRotator>, id: string): Promise<void> {
  const { run, current } = rotation;
  const version = await loadIfUsable(rotation, id);
  if (version === undefined) return;
  if (!isSameTarget(current.target, version.target)) {
    run.note(
      `Version ${id} is for another target than AWSCURRENT: its credential was not revoked. Revoke it by hand if it is still valid.`,
    );
    return;
  }
  const inUse = [current.id, run.event.token, versionWith(run.secret.stages, 'AWSPENDING')];
  const others = inUse.flatMap((other) => other || []);
  if (!(await isHeldBy(rotation, others, version))) await revoke(rotation, version);
}

/** The credentials of the labelled versions at AWSCURRENT's server. They are still needed. */
async function neededCredentials(rotation: Rotation<IssuingRotator>): Promise<unknown[]> {
  const { run, current } = rotation;
  const ids = new Set([current.id, ...Object.keys(run.secret.stages)]);
  const versions = await Promise.all([...ids].map((id) => loadIfUsable(rotation, id)));
  return versions.flatMap((version) =>
    version !== undefined && isSameServer(current.target, version.target) ? [version.credential] : [],
  );
}

/** A rotation of either kind. */
type AnyRotation = Rotation<ChangingRotator> | Rotation<IssuingRotator>;

/**
 * After AWSCURRENT has moved: revokes the replaced credential, if `revocation` is `at-once`.
 *
 * @param rotation with the new version as `current`
 * @param replaced id of the version that was AWSCURRENT before
 */
export async function revokeReplaced(rotation: AnyRotation, replaced: string | undefined): Promise<void> {
  if (rotation.guarded.rotator.revocation !== 'at-once' || replaced === undefined) return;
  await (isIssuing(rotation) ? revokeVersion(rotation, replaced) : endReplaced(rotation));
}

/**
 * Makes the target accept AWSCURRENT's credential and no other. The account or the admin does it, as for a change. The
 * caller has seen the target accept AWSCURRENT.
 *
 * @throws CurrentRefused, AdminSecretMissing, AdminRefused, AccountNotServed and the target's errors
 */
async function endReplaced(rotation: Rotation<ChangingRotator>): Promise<void> {
  const { guarded, current } = rotation;
  const { rotator, context } = guarded;
  if (rotator.endReplaced === undefined) return;
  const end = (
    session: Session,
    by: Pick<ChangeContext<unknown>, 'using' | 'proven' | 'admin'>,
  ): Promise<void> =>
    guarded.attempt(
      'revoke',
      current.credential,
      async () =>
        rotator.endReplaced?.(session, current.credential, {
          ...context,
          ...by,
          current: current.credential,
        }),
      'endReplaced',
    );
  if (rotator.changedBy === 'account') {
    const login = createAdminLogin(rotation);
    const admin = () => adminFor(login, rotation, current, current);
    const ended = await guarded
      .withSession(current.credential, (session) => end(session, { using: current.credential, admin }))
      .finally(login.release);
    if (ended === undefined) throw currentRefused();
    return;
  }
  const login = createAdminLogin(rotation);
  try {
    const admin = await login.admin();
    // As for a change: if the admin's port differs, that login proves nothing, and the tag or the admin secret must name
    // the account.
    const proofs = await requireMayChange(rotation, admin, current, current);
    const proven = proofs.map(({ credential }) => credential);
    await end(admin.session, { using: admin.credential, proven });
  } finally {
    login.release();
  }
}

/** Whether the replaced credential's hours are over. */
export async function isRevocationDue({ run, guarded, current }: AnyRotation): Promise<boolean> {
  const { revocation = 'on-next-rotation' } = guarded.rotator;
  if (typeof revocation === 'string') return revocation === 'at-once';
  const versions = await run.secretsManager.versions(run.secret.arn);
  const made = versions.find(({ id }) => id === current.id);
  if (made === undefined) return false;
  // A stuck rotation moves AWSCURRENT long after it made the version.
  const replacedAtMs = Math.max(madeAtMs(made), run.secret.lastRotated?.getTime() ?? 0);
  return Date.now() - replacedAtMs >= revocation.afterHours * hourMs;
}

/**
 * Revokes AWSPREVIOUS's credential outside of a rotation.
 *
 * @throws CurrentRefused if the target refuses AWSCURRENT: then AWSPREVIOUS's may be the one that works
 */
export async function revokePrevious(rotation: AnyRotation): Promise<void> {
  const { stages } = rotation.run.secret;
  const previous = versionWith(stages, 'AWSPREVIOUS');
  if (previous === undefined) return;
  const pending = versionWith(stages, 'AWSPENDING');
  const isRotating = pending !== undefined && pending !== rotation.current.id;
  // A changing rotator would also end the pending credential, which the target may accept already.
  if (!isIssuing(rotation) && isRotating) return;
  // Nobody has proved AWSCURRENT since somebody last wrote the secret. Its value may name another account, whose credential
  // the admin would change.
  await requireCurrentAccepted(rotation, 'The target refuses AWSCURRENT, so AWSPREVIOUS was not revoked.');
  await (isIssuing(rotation) ? revokeVersion(rotation, previous) : endReplaced(rotation));
}

/** Milliseconds since the epoch. */
function madeAtMs({ createdAt }: { readonly createdAt: Date | undefined }): number {
  return createdAt?.getTime() ?? 0;
}
