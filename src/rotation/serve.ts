import type { Finding } from '../rotator.ts';
import type { StepOutcome } from '../telemetry.ts';
import type { Pair } from './ladder.ts';
import type { Run } from './run.ts';
import { selectRotator } from './select.ts';
import { type GuardedRotator, guardRotator } from './target.ts';
import { type LoadedVersion, requireSameTarget } from './versions.ts';

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

/** The rotator of a secret. @throws UnknownRotator */
export function serve(run: Run, current: LoadedVersion): GuardedRotator {
  const { tags } = run.secret;
  const { fields } = current.document;
  const { defaultRotator } = run.configuration;
  const rotator = selectRotator(run.rotators, { tags, fields, defaultRotator });
  run.observed.rotator = rotator.name;
  return guardRotator(rotator, run);
}

/** Both credentials of a rotation. @throws TargetChanged, InvalidSecretField */
export async function loadPair(
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
