import { KeyturnError } from '../errors.ts';
import type { Finding } from '../rotator.ts';
import type { StepOutcome } from '../telemetry.ts';
import { changeCredential } from './change.ts';
import type { Step } from './event.ts';
import type { Pair } from './ladder.ts';
import { passwordFor } from './new-password.ts';
import { preflight } from './preflight.ts';
import { promote } from './promote.ts';
import { retry } from './retry.ts';
import type { Run } from './run.ts';
import { selectRotator } from './select.ts';
import { versionWith } from './stages.ts';
import { type GuardedRotator, guardRotator, isPassing } from './target.ts';
import {
  type LoadedVersion,
  loadCurrent,
  loadIfUsable,
  loadPending,
  rememberVersion,
  requireSameTarget,
} from './versions.ts';

/** What a step came to. */
export interface StepResult {
  readonly outcome: StepOutcome;
  /** An upper bound, in ms, of the time in which AWSCURRENT was refused. */
  readonly gapMs?: number;
  /** What a preflight has seen. */
  readonly findings?: readonly Finding[];
}

/** The work of an invocation. */
export type StepFunction = (run: Run) => Promise<StepResult>;

function serve(run: Run, current: LoadedVersion): GuardedRotator {
  const { tags } = run.secret;
  const { fields } = current.document;
  const { defaultRotator } = run.configuration;
  const rotator = selectRotator(run.rotators, { tags, fields, defaultRotator });
  run.observed.rotator = rotator.name;
  return guardRotator(rotator, run);
}

async function loadPair(
  guarded: GuardedRotator,
  current: LoadedVersion,
  pending: LoadedVersion,
): Promise<Pair> {
  const { rotator } = guarded;
  const currentCredential = rotator.parse(current.document.fields);
  const pendingCredential = rotator.parse(pending.document.fields);
  requireSameTarget(rotator.target(currentCredential), rotator.target(pendingCredential));
  return { current, currentCredential, pending, pendingCredential };
}

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
 * Stores the pending credential. A version that has a value keeps it: PutSecretValue never overwrites, so writing
 * first and reading only on a conflict is as safe as looking first, and one call cheaper.
 */
const createSecret: StepFunction = async (run) => {
  const current = await loadCurrent(run);
  const guarded = serve(run, current);
  const { rotator, context } = guarded;
  const credential = rotator.parse(current.document.fields);
  const changes = await guarded.attempt('generate', credential, () =>
    rotator.generate(credential, {
      ...context,
      requestToken: run.event.token,
      password: (wanted) => {
        const password = passwordFor(current.document, wanted, run.configuration.password);
        run.redactor.learnValue(password);
        return password;
      },
    }),
  );
  const text = current.document.write(changes);
  const { token, rotationToken } = run.event;
  const answer = await run.secretsManager.putPending(run.secret.arn, { token, text, rotationToken });
  if (answer === 'exists') return { outcome: 'kept' };
  rememberVersion(run, token, text);
  return { outcome: 'stored' };
};

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

/** Revokes before the move: a crash in between is healed by the retry, since the gate still lets it through. */
const finishSecret: StepFunction = async (run) => {
  const current = await loadCurrent(run);
  const guarded = serve(run, current);
  await revokePrevious(run, guarded);
  await promote(run);
  run.cache.forget(run.secret.arn);
  return { outcome: 'current' };
};

async function revokePrevious(run: Run, { rotator, context, attempt }: GuardedRotator): Promise<void> {
  const id = versionWith(run.secret.stages, 'AWSPREVIOUS');
  if (rotator.revoke === undefined || id === undefined) return;
  const previous = await loadIfUsable(run, id);
  if (previous === undefined) return;
  const credential = rotator.parse(previous.document.fields);
  await attempt('revoke', credential, async () => rotator.revoke?.(credential, context));
}

/** What is left of a step whose work an earlier invocation has done. Reads nothing: the rotator is told if it is known. */
export const findDone: StepFunction = async (run) => {
  const { arn } = run.secret;
  const text = run.cache.get(arn, run.event.token);
  if (text !== undefined) serve(run, rememberVersion(run, run.event.token, text));
  if (run.event.step === 'finishSecret') run.cache.forget(arn);
  return { outcome: 'already-done' };
};

/** One function per step. */
export const stepFunctions: Readonly<Record<Step, StepFunction>> = {
  createSecret,
  setSecret,
  testSecret,
  finishSecret,
};
