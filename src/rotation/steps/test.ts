import { preflight } from '../preflight.ts';
import { provePending } from '../proof.ts';
import type { StepFunction } from '../run.ts';
import { beginRotation, loadPending } from '../versions.ts';

/** Proves the pending credential, or, where it is still AWSCURRENT's (RotateImmediately=false), looks ahead. */
export const testSecret: StepFunction = async (run) => {
  const rotation = await beginRotation(run);
  const pending = await loadPending(rotation);
  if (pending.text !== rotation.current.text) {
    await provePending(rotation, pending);
    return { outcome: 'verified' };
  }
  // Secrets Manager removes this version, and its token may be used for a rotation.
  run.memory.forget(run.secret.arn);
  return { outcome: 'preflight-passed', findings: await preflight(rotation) };
};

/** A preflight of the current version, without a version that is made for it. */
export const preflightCurrent: StepFunction = async (run) => {
  const rotation = await beginRotation(run);
  run.memory.forget(run.secret.arn);
  return { outcome: 'preflight-passed', findings: await preflight(rotation) };
};
