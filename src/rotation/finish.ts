import { promote } from './promote.ts';
import { isRevocationDue, revokePrevious, revokeReplaced, revokeSuperseded } from './revocation.ts';
import type { Run } from './run.ts';
import { type StepFunction, serve } from './serve.ts';
import { versionWith } from './stages.ts';
import { loadCurrent, rememberVersion } from './versions.ts';

/**
 * Revokes before the move: a crash in between is healed by the retry, since the gate still lets it through. What must
 * wait for the move is repeated by a retry that finds it moved.
 */
export const finishSecret: StepFunction = async (run) => {
  const current = await loadCurrent(run);
  const guarded = serve(run, current);
  await revokeSuperseded(run, guarded, current);
  await promote(run);
  await revokeReplaced(run, guarded, current.id);
  run.cache.forget(run.secret.arn);
  return { outcome: 'current' };
};

/** What is left of a step whose work an earlier invocation has done. Reads nothing, where no revocation can be left. */
export const findDone: StepFunction = async (run) => {
  const { arn } = run.secret;
  if (run.event.step === 'finishSecret') {
    await repeatRevocation(run);
    run.cache.forget(arn);
    return { outcome: 'already-done' };
  }
  const text = run.cache.get(arn, run.event.token);
  if (text !== undefined) serve(run, rememberVersion(run, run.event.token, text));
  return { outcome: 'already-done' };
};

async function repeatRevocation(run: Run): Promise<void> {
  const known = run.cache.get(run.secret.arn, run.event.token) !== undefined;
  if (!known && run.rotators.every(({ revocation }) => revocation !== 'at-once')) return;
  const guarded = serve(run, await loadCurrent(run));
  await revokeReplaced(run, guarded, versionWith(run.secret.stages, 'AWSPREVIOUS'));
}

/** Revokes AWSPREVIOUS where its hours are over; idempotent. */
export const revokeWhenDue: StepFunction = async (run) => {
  const current = await loadCurrent(run);
  const guarded = serve(run, current);
  if (await isRevocationDue(run, guarded, current)) await revokePrevious(run, guarded, current);
  return { outcome: 'revoked' };
};
