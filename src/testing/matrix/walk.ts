import { missing } from '../../optional-package.ts';
import type { RotatorHarness } from '../harness.ts';
import { checkedHarness } from '../valid-harness.ts';
import { runPlans } from './cell.ts';
import { startChildPool } from './child-pool.ts';
import type { Plan } from './driver.ts';
import { faults } from './faults.ts';
import { checkConcurrency, inParallel, recoveriesOf, remoteCalls, resultOf } from './matrix.ts';
import { abandoned } from './recovery.ts';

/** The result of random walks. */
export interface WalksReport {
  /** The rotator's name. */
  readonly rotator: string;
  /** How many walks were asked for. */
  readonly walks: number;
  /** The same seed and concurrency make the same walks. */
  readonly seed: number;
  /** One walk at most for each that runs in parallel: a failure ends its series. */
  readonly failed: readonly FailedWalk[];
}

/** A walk that failed, shortened as far as it still fails. */
export interface FailedWalk {
  /** The faults and recoveries, one for each rotation. */
  readonly plans: readonly Plan[];
  /** Which promise was broken, or why the walk could not run. */
  readonly failure: string;
  /** Remote calls and operators' actions in order, without secret values. */
  readonly trace: readonly string[];
}

/** How walks run. */
export interface WalksOptions {
  /** How many walks to run. */
  readonly walks: number;
  /** Default: a random one, which is in the report. */
  readonly seed?: number | undefined;
  /** How many walks run in parallel. Default: 4. */
  readonly concurrency?: number;
  /** Called after each walk. */
  readonly onWalk?: (done: number, of: number) => void;
}

/** How many rotations a walk has at most. */
const longestWalk = 5;

async function loadFastCheck() {
  try {
    return await import('fast-check');
  } catch (error) {
    return missing('fast-check')(error);
  }
}

/**
 * Runs random walks: several rotations of one secret, each with a random fault at a random call and a random recovery. A broken
 * promise does not throw: it is in the report. Needs the optional package `fast-check`.
 *
 * @throws DriverMissing if that package is not installed
 * @param given the harness: the rotator, and what makes accounts at its target
 * @throws PreflightFailed if a rotation fails even without a fault
 * @throws InvalidConfiguration if the harness or its rotator is wrong, or its `module` makes another rotator or none; and
 * for a concurrency that is no whole number from 1
 */
export async function randomWalks(
  given: RotatorHarness,
  {
    walks,
    seed = Math.floor(Math.random() * 2 ** 31),
    concurrency = 4,
    onWalk = () => undefined,
  }: WalksOptions,
): Promise<WalksReport> {
  checkConcurrency(concurrency);
  const fc = await loadFastCheck();
  const harness = checkedHarness(given);
  // What it throws would count as a fault of the rotation.
  harness.busy?.();
  const calls = (await remoteCalls(harness)).length;
  const plan = fc.record<Plan>({
    call: fc.integer({ min: 1, max: calls }),
    fault: fc.constantFrom(...faults),
    recovery: fc.constantFrom(...recoveriesOf(harness), abandoned),
  });
  const children = startChildPool(harness);
  const failed: FailedWalk[] = [];
  let done = 0;
  const walk = fc.asyncProperty(fc.array(plan, { minLength: 1, maxLength: longestWalk }), async (plans) => {
    const { failure, trace } = await resultOf(() => runPlans(harness, plans, children));
    done += 1;
    onWalk(Math.min(done, walks), walks);
    if (failure !== undefined) throw new WalkFailure(failure, trace);
  });
  const lanes = Array.from({ length: concurrency }, (_, lane) => lane);
  try {
    await children?.check();
    await inParallel(lanes, concurrency, async (lane) => {
      const numRuns = Math.ceil((walks - lane) / concurrency);
      const { counterexample, errorInstance } = await fc.check(walk, { numRuns, seed: seed + lane });
      if (counterexample === null || !(errorInstance instanceof WalkFailure)) return;
      const [plans] = counterexample;
      failed.push({ plans, failure: errorInstance.message, trace: errorInstance.trace });
    });
  } finally {
    await children?.close();
  }
  return { rotator: harness.rotator.name, walks, seed, failed };
}

class WalkFailure extends Error {
  readonly trace: readonly string[];
  constructor(failure: string, trace: readonly string[]) {
    super(failure);
    this.trace = trace;
  }
}
