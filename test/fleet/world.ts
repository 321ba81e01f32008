import { KeyturnError } from '../../src/errors.ts';
import type { SeenSecret } from '../../src/fleet/decisions.ts';
import type { FleetPlan } from '../../src/fleet/plan.ts';
import {
  fleetVersion,
  makePlan,
  type PlannedSecret,
  type PlanSettings,
  placeOf,
} from '../../src/fleet/plan.ts';
import type { FleetApi, FleetClock } from '../../src/fleet/run.ts';

/** A simulated clock. When nothing else is left to do, it jumps to the next timer. */
export interface VirtualClock extends FleetClock {
  /** Lets time pass until the work is done. */
  drive<T>(work: Promise<T>): Promise<T>;
  at(ms: number, call: () => void): void;
}

export function virtualClock(): VirtualClock {
  let now = 0;
  const due = new Map<number, (() => void)[]>();
  const times: number[] = [];
  const at = (ms: number, call: () => void): void => {
    const time = Math.max(now, ms);
    const calls = due.get(time);
    if (calls !== undefined) {
      calls.push(call);
      return;
    }
    due.set(time, [call]);
    // Sorted, latest first: most of what is due is due late.
    let low = 0;
    let high = times.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((times[middle] ?? 0) > time) low = middle + 1;
      else high = middle;
    }
    times.splice(low, 0, time);
  };
  return {
    now: () => now,
    sleep: (ms) => new Promise((resolve) => at(now + ms, resolve)),
    at,
    async drive(work) {
      let isDone = false;
      const end = (): void => {
        isDone = true;
      };
      work.then(end, end);
      for (;;) {
        await new Promise((resolve) => setImmediate(resolve));
        const time = times.pop();
        if (isDone || time === undefined) return work;
        now = Math.max(now, time);
        for (const call of due.get(time) ?? []) call();
        due.delete(time);
      }
    },
  };
}

/** How a simulated secret behaves. */
export type Behaviour = 'good' | 'stuck' | 'gone' | 'refused' | 'off' | 'deleted';

/** A simulated Secrets Manager with AWS's quotas. Calls beyond the quota of a second are throttled. */
export interface Simulation {
  readonly api: FleetApi;
  /** When RotateSecret was called, in ms. */
  readonly rotations: number[];
  /** When PutSecretValue and UpdateSecretVersionStage were called. */
  readonly writes: number[];
  readonly throttled: number;
  /** How often each secret was rotated. */
  readonly rotated: ReadonlyMap<string, number>;
}

const epochMs = Date.UTC(2026, 0, 1);

export function simulate(
  clock: VirtualClock,
  behaviourOf: (arn: string) => Behaviour,
  random: () => number,
): Simulation {
  const rotations: number[] = [];
  const writes: number[] = [];
  const last = new Map<string, string>();
  const rotated = new Map<string, number>();
  const tokens = new Set<string>();
  const simulation = { rotations, writes, rotated, throttled: 0 };
  // As the local Secrets Manager counts: for each account and region, a bucket that holds the calls of a second.
  const buckets = new Map<string, { left: number; at: number }>();
  const count = (calls: number[], perSecond: number, arn: string): boolean => {
    const key = `${calls === writes ? 'writes' : 'rotations'} of ${placeOf(arn)}`;
    const bucket = buckets.get(key) ?? { left: perSecond, at: clock.now() };
    buckets.set(key, bucket);
    bucket.left = Math.min(perSecond, bucket.left + ((clock.now() - bucket.at) / 1000) * perSecond);
    bucket.at = clock.now();
    if (bucket.left < 1) {
      simulation.throttled += 1;
      return false;
    }
    bucket.left -= 1;
    calls.push(clock.now());
    return true;
  };
  const describe = async (arn: string): Promise<SeenSecret> => {
    const behaviour = behaviourOf(arn);
    if (behaviour === 'gone') throw new KeyturnError('SecretNotFound', `There is no ${arn}.`, '');
    if (behaviour === 'refused') throw new KeyturnError('AccessDenied', `No right to ${arn}.`, '');
    return {
      deletedOn: behaviour === 'deleted' ? new Date(epochMs).toISOString() : undefined,
      lastRotated: last.get(arn),
      rotationEnabled: behaviour !== 'off',
    };
  };
  const rotate = async (arn: string, token: string): Promise<void> => {
    if (!count(rotations, 50, arn)) throw new KeyturnError('Throttled', 'Rate exceeded.', '');
    if (behaviourOf(arn) === 'stuck' || tokens.has(token)) return;
    tokens.add(token);
    // The function's steps take their time, and a write that is throttled is made again.
    const write = (then: () => void) => (): void => {
      if (count(writes, 50, arn)) then();
      else clock.at(clock.now() + 500, write(then));
    };
    const finish = write(() => {
      last.set(arn, new Date(epochMs + clock.now()).toISOString());
      rotated.set(arn, (rotated.get(arn) ?? 0) + 1);
    });
    clock.at(
      clock.now() + 100 + random() * 900,
      write(() => clock.at(clock.now() + 200 + random() * 2000, finish)),
    );
  };
  return Object.assign(simulation, { api: { describe, rotate } });
}

/** Secrets of so many targets. */
export function secretsOf(targets: number, each: number): PlannedSecret[] {
  return Array.from({ length: targets * each }, (_, index) => {
    const name = `s-${String(index).padStart(5, '0')}`;
    return {
      name,
      arn: `arn:aws:secretsmanager:eu-west-1:123456789012:secret:${name}-AbCdEf`,
      target: `db-${index % targets}`,
      lastRotated: undefined,
    };
  });
}

let tokens = 0;

/** A plan with the defaults of a test. */
export function planOf(secrets: readonly PlannedSecret[], settings: Partial<PlanSettings> = {}): FleetPlan {
  const defaults: PlanSettings = {
    id: 'plan',
    madeAt: new Date(epochMs),
    waves: ['canary', 10, 100],
    perTarget: 2,
    atOnce: 100,
    toleratedPercent: 10,
    quotaShare: 0.92,
    pollSeconds: 2,
    mostLooks: 30,
  };
  const newToken = (): string => {
    tokens += 1;
    return `token-${tokens}`;
  };
  return { version: fleetVersion, ...makePlan(secrets, [], { ...defaults, ...settings }, newToken) };
}
