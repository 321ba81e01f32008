import { versionWith } from '../../secrets-manager/staging-labels.ts';
import { promote, requireUnchanged } from '../promote.ts';
import { proveCurrent, provePending } from '../proof.ts';
import { isRevocationDue, revokePrevious, revokeReplaced, revokeSuperseded } from '../revocation.ts';
import type { StepFunction } from '../run.ts';
import { beginRotation, isIssuing, loadPending } from '../versions.ts';

/**
 * Moves AWSCURRENT to the proven version. If this instance has not seen the proof, it proves the version itself. Superseded
 * credentials are revoked before the move: after a crash in between, the gate still lets the retry through. The replaced
 * credential is revoked after the move, and a retry that finds AWSCURRENT moved revokes it again.
 */
export const finishSecret: StepFunction = async (run) => {
  const rotation = await beginRotation(run);
  const pending = await loadPending(rotation);
  await requireUnchanged(rotation, pending);
  // testSecret may have run in another instance of the function, or not at all.
  if (!run.memory.isProven(run.secret.arn, pending.id)) await provePending(rotation, pending);
  if (isIssuing(rotation)) await revokeSuperseded(rotation);
  await promote(rotation, pending);
  // The same object twice: TypeScript needs one for each kind.
  await revokeReplaced(
    isIssuing(rotation) ? { ...rotation, current: pending } : { ...rotation, current: pending },
    rotation.current.id,
  );
  run.memory.forget(run.secret.arn);
  return { outcome: 'current' };
};

/** Handles a step whose version is AWSCURRENT already: an earlier invocation did its work, or a person moved the label. */
export const resumeCompletedStep: StepFunction = async (run) => {
  const { arn } = run.secret;
  if (run.event.step === 'createSecret') return { outcome: 'already-done' };
  const rotation = await beginRotation(run);
  await proveCurrent(rotation);
  if (run.event.step === 'finishSecret') {
    const replaced = versionWith(run.secret.stages, 'AWSPREVIOUS');
    await revokeReplaced(rotation, replaced);
    run.memory.forget(arn);
  }
  return { outcome: 'already-done' };
};

/** Revokes AWSPREVIOUS's credential if its hours are over. Idempotent. */
export const revokeWhenDue: StepFunction = async (run) => {
  const rotation = await beginRotation(run);
  if (await isRevocationDue(rotation)) await revokePrevious(rotation);
  return { outcome: 'revoked' };
};
