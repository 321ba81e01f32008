import { preflight } from '../preflight.ts';
import { provePending } from '../proof.ts';
import type { StepFunction } from '../run.ts';
import { beginRotation, loadPending } from '../versions.ts';

/** Proves the pending credential. If its value is still AWSCURRENT's (RotateImmediately=false), runs a preflight. */
export const testSecret: StepFunction = async (run) => {
  const rotation = await beginRotation(run);
  const pending = await loadPending(rotation);
  if (pending.text !== rotation.current.text) {
    await provePending(rotation, pending);
    return { outcome: 'verified' };
  }
  // Secrets Manager will remove this version, and a rotation may use its token again.
  run.memory.forget(run.secret.arn);
  return { outcome: 'preflight-passed', findings: await preflight(rotation) };
};

/** Runs a preflight of the current version, without a pending one. */
export const preflightCurrent: StepFunction = async (run) => {
  const rotation = await beginRotation(run);
  run.memory.forget(run.secret.arn);
  return { outcome: 'preflight-passed', findings: await preflight(rotation) };
};
