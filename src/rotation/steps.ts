import { KeyturnError } from '../errors.ts';
import { changeCredential } from './change.ts';
import { createSecret } from './create.ts';
import type { Step } from './event.ts';
import { finishSecret } from './finish.ts';
import type { Pair } from './ladder.ts';
import { preflight } from './preflight.ts';
import { promote } from './promote.ts';
import { retry } from './retry.ts';
import type { Run } from './run.ts';
import { loadPair, type StepFunction, type StepResult, serve } from './serve.ts';
import { type GuardedRotator, isPassing } from './target.ts';
import { type LoadedVersion, loadCurrent, loadPending } from './versions.ts';

/** Logs in with pending and has the rotator prove that it can do its work. @throws PendingRefused */
async function provePending(
  run: Run,
  guarded: GuardedRotator,
  { currentCredential, pendingCredential }: Pair,
): Promise<void> {
  const { rotator, context } = guarded;
  const prove = () =>
    guarded.using(pendingCredential, (session) =>
      guarded.attempt('verify', pendingCredential, async () =>
        rotator.verify?.(session, pendingCredential, { ...context, current: currentCredential }),
      ),
    );
  const proven = await retry(prove, isPassing, run.signal);
  if (proven !== undefined) return;
  throw new KeyturnError(
    'PendingRefused',
    'The target refuses the pending credential.',
    'Secrets Manager will retry the rotation, which sets it anew.',
  );
}

/**
 * Sets the pending credential at the target. Where that ends the current one, AWSCURRENT moves at once (immediate
 * cutover), so that readers of the secret wait for one login and one call and not for two more invocations.
 */
const setSecret: StepFunction = async (run) => {
  const current = await loadCurrent(run);
  const guarded = serve(run, current);
  const pair = await loadPair(guarded, current, await loadPending(run));
  const changed = await changeCredential(run, guarded, pair);
  if (guarded.rotator.overlap !== 'none' || !run.configuration.immediateCutover) {
    return { outcome: changed.made ? 'changed' : 'found-changed' };
  }
  await provePending(run, guarded, pair);
  await promote(run);
  if (!changed.made) return { outcome: 'found-changed-and-current' };
  return { outcome: 'changed-and-current', gapMs: performance.now() - changed.sinceMs };
};

const testSecret: StepFunction = async (run) => {
  const current = await loadCurrent(run);
  const guarded = serve(run, current);
  const pending = await loadPending(run);
  if (pending.text === current.text) return look(run, guarded, current);
  await provePending(run, guarded, await loadPair(guarded, current, pending));
  return { outcome: 'verified' };
};

async function look(run: Run, guarded: GuardedRotator, current: LoadedVersion): Promise<StepResult> {
  return { outcome: 'preflight-passed', findings: await preflight(run, guarded, current) };
}

/** A preflight of the current version, without a version that is made for it. */
export const lookAtCurrent: StepFunction = async (run) => {
  const current = await loadCurrent(run);
  return look(run, serve(run, current), current);
};

/** One function per step. */
export const stepFunctions: Readonly<Record<Step, StepFunction>> = {
  createSecret,
  setSecret,
  testSecret,
  finishSecret,
};
