import { isKeyturnError } from '../errors.ts';
import { decide, hasTooManyFailures, isDone, type Outcome, type SeenSecret } from './decisions.ts';
import { type FleetPlan, type PlanEntry, type PlanItem, placeOf, rotationsPerSecond } from './plan.ts';

/** The calls of a run. They throw KeyturnErrors. */
export interface FleetApi {
  describe(arn: string): Promise<SeenSecret>;
  /** Resolves also if Secrets Manager continues an earlier rotation instead. */
  rotate(arn: string, token: string): Promise<void>;
}

/** The clock of a run. */
export interface FleetClock {
  /** Milliseconds; it only goes forward. */
  now(): number;
  sleep(ms: number): Promise<void>;
}

/** The outcome for one secret. */
export interface SecretOutcome {
  readonly arn: string;
  readonly name: string;
  readonly target: string;
  readonly outcome: Outcome;
  /** The error's message; empty if there was no error. */
  readonly detail: string;
}

/** How far a run is. */
export interface FleetProgress {
  readonly wave: string;
  readonly done: number;
  readonly failed: number;
  readonly underWay: number;
  readonly all: number;
}

/** The result of a run. */
export interface FleetResult {
  /** `braked`: too many targets failed. `stopped`: an operator stopped it. */
  readonly end: 'finished' | 'braked' | 'stopped';
  readonly counts: Readonly<Record<Outcome, number>>;
  /** The secrets that were not rotated, without those that were not started. */
  readonly failures: readonly SecretOutcome[];
  /** The most that were under way at one target at once. */
  readonly maxPerTarget: number;
  readonly throttled: number;
  readonly durationMs: number;
}

/** What a run needs. */
export interface FleetRun {
  readonly api: FleetApi;
  readonly clock: FleetClock;
  /** Stops the run: no more rotations begin, and the run waits for those under way. */
  readonly stop?: AbortSignal;
  /** Is called right before a rotation is asked for. */
  onBegin?(entry: PlanEntry): void;
  onOutcome?(outcome: SecretOutcome): void;
  onProgress?(progress: FleetProgress): void;
}

/** How often a throttled call is tried, and the first wait between two tries. Each wait is longer by that. */
const throttledTries = 6;
const throttledPauseMs = 1000;

/**
 * Runs a plan from this process, with the same decisions as the state machine: wave after wave, with limits on the
 * targets at once and on the secrets of a target at once. Rotations begin evenly, within the quotas. It keeps no state:
 * DescribeSecret shows which secrets were rotated since the plan was made. So a run that ended early can be started
 * again.
 */
export async function runFleet(plan: FleetPlan, run: FleetRun): Promise<FleetResult> {
  const { api, clock, stop } = run;
  const startedAt = clock.now();
  const counts = zeroCounts();
  const failures: SecretOutcome[] = [];
  const pace = createPace(clock, rotationsPerSecond(plan.quotaShare));
  const underWay = new Map<string, number>();
  let maxPerTarget = 0;
  let throttled = 0;
  let end: FleetResult['end'] = 'finished';
  let wave = '';
  const isOver = (): boolean => end !== 'finished';
  const isStoppedOrOver = (): boolean => {
    if (stop?.aborted && end === 'finished') end = 'stopped';
    return isOver();
  };

  const patiently = async <T>(call: () => Promise<T>, place: string): Promise<T> => {
    for (let tries = 1; ; tries += 1) {
      try {
        return await call();
      } catch (error) {
        if (!isKeyturnError(error, 'Throttled') || tries === throttledTries) throw error;
        throttled += 1;
        pace.pause(place, throttledPauseMs);
        await clock.sleep(throttledPauseMs * tries);
      }
    }
  };

  const rotate = async (entry: PlanEntry, item: PlanItem): Promise<Outcome> => {
    const place = placeOf(entry.arn);
    const verdict = async () =>
      decide(await patiently(() => api.describe(entry.arn), place), entry.rotatedBefore);
    const before = await verdict();
    if (before !== 'due') return before === 'rotated' ? 'already-rotated' : before;
    await pace.turn(place);
    if (isStoppedOrOver()) return 'not-started';
    run.onBegin?.(entry);
    await patiently(() => api.rotate(entry.arn, entry.token), place);
    for (let looks = 0; looks <= item.mostLooks; looks += 1) {
      await clock.sleep(item.pollSeconds * 1000);
      const after = await verdict();
      if (after !== 'due') return after;
    }
    return 'unfinished';
  };

  const settle = (entry: PlanEntry, { target }: PlanItem, outcome: Outcome, detail = ''): void => {
    const { arn, name } = entry;
    counts[outcome] += 1;
    const told = { arn, name, target, outcome, detail };
    if (!isDone(outcome) && outcome !== 'not-started') failures.push(told);
    run.onOutcome?.(told);
    const done = counts.rotated + counts['already-rotated'];
    const { secrets: all } = plan;
    const sum = [...underWay.values()].reduce((total, count) => total + count, 0);
    run.onProgress?.({ wave, done, failed: failures.length, underWay: sum, all });
  };

  const take = async (entry: PlanEntry, item: PlanItem): Promise<Outcome> => {
    const { target } = item;
    const count = (underWay.get(target) ?? 0) + 1;
    underWay.set(target, count);
    maxPerTarget = Math.max(maxPerTarget, count);
    let outcome: Outcome;
    let detail = '';
    try {
      outcome = isStoppedOrOver() ? 'not-started' : await rotate(entry, item);
    } catch (error) {
      if (!isKeyturnError(error)) throw error;
      outcome = outcomeOf(error.code);
      detail = error.message;
    }
    const left = (underWay.get(target) ?? 1) - 1;
    if (left === 0) underWay.delete(target);
    else underWay.set(target, left);
    settle(entry, item, outcome, detail);
    return outcome;
  };

  const isCanaryRotated = async ({ canary }: PlanItem): Promise<boolean> => {
    if (canary === undefined) return true;
    try {
      const seen = await patiently(() => api.describe(canary.arn), placeOf(canary.arn));
      return decide(seen, canary.rotatedBefore) === 'rotated';
    } catch (error) {
      if (!isKeyturnError(error)) throw error;
      return false;
    }
  };

  /** @returns false if a secret of the item failed. Secrets that were not started have not failed */
  const takeItem = async (item: PlanItem): Promise<boolean> => {
    if (isStoppedOrOver()) {
      for (const entry of item.secrets) settle(entry, item, 'not-started');
      return true;
    }
    if (!(await isCanaryRotated(item))) {
      for (const entry of item.secrets) settle(entry, item, 'skipped');
      return false;
    }
    let all = true;
    await eachOf(item.secrets, item.perTarget, async (entry) => {
      const outcome = await take(entry, item);
      if (!isDone(outcome) && outcome !== 'not-started') all = false;
    });
    return all;
  };

  for (const { name, items, targetsAtOnce, toleratedFailures } of plan.waves) {
    wave = name;
    let failedTargets = 0;
    await eachOf(items, targetsAtOnce, async (item) => {
      if (!(await takeItem(item))) failedTargets += 1;
      if (hasTooManyFailures(failedTargets, toleratedFailures) && !isOver()) end = 'braked';
    });
  }
  isStoppedOrOver();
  return { end, counts, failures, maxPerTarget, throttled, durationMs: clock.now() - startedAt };
}

/** A count of zero for each outcome. */
export function zeroCounts(): Record<Outcome, number> {
  return {
    rotated: 0,
    'already-rotated': 0,
    gone: 0,
    off: 0,
    refused: 0,
    unfinished: 0,
    failed: 0,
    skipped: 0,
    'not-started': 0,
  };
}

/** The outcome of a secret whose call failed. */
export function outcomeOf(code: string): Outcome {
  if (code === 'SecretNotFound') return 'gone';
  return code === 'AccessDenied' ? 'refused' : 'failed';
}

/** Works on a limited number of items at once, in their order. */
async function eachOf<T>(
  things: readonly T[],
  atOnce: number,
  work: (thing: T) => Promise<void>,
): Promise<void> {
  const queue = things.values();
  const worker = async (): Promise<void> => {
    for (const thing of queue) await work(thing);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, things.length) }, worker));
}

interface Pace {
  /** Resolves when another rotation may begin at a place. */
  turn(place: string): Promise<void>;
  /** Pauses a place for a while. */
  pause(place: string, ms: number): void;
}

/** How much delay the pace may make up for. Timers are late, and the quota is per second. */
const catchUpMs = 250;

/** Lets rotations begin at even distances, in each account and region by itself. */
function createPace(clock: FleetClock, perSecond: number): Pace {
  const distanceMs = 1000 / perSecond;
  const next = new Map<string, number>();
  return {
    async turn(place) {
      const now = clock.now();
      const at = Math.max(next.get(place) ?? now, now - catchUpMs);
      next.set(place, at + distanceMs);
      if (at > now) await clock.sleep(at - now);
    },
    pause(place, ms) {
      const until = clock.now() + ms;
      next.set(place, Math.max(next.get(place) ?? until, until));
    },
  };
}
