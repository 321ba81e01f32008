import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Outcome } from '../../src/fleet/decisions.ts';
import { type FleetPlan, targetOfHost } from '../../src/fleet/plan.ts';
import { runFleet, type SecretOutcome } from '../../src/fleet/run.ts';
import { type Behaviour, planOf, secretsOf, simulate, virtualClock } from './world.ts';

function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return state / 2 ** 32;
  };
}

/** The heap in bytes after a garbage collection. */
function collectedHeap(): number {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  return process.memoryUsage().heapUsed;
}

/** The highest number of calls within a number of seconds. */
function mostWithin(seconds: number, times: readonly number[]): number {
  let from = 0;
  return times.reduce((most, time, index) => {
    while ((times[from] ?? 0) <= time - seconds * 1000) from += 1;
    return Math.max(most, index - from + 1);
  }, 0);
}

/** Runs a plan at a simulated Secrets Manager. */
async function run(
  plan: FleetPlan,
  behaviours: Readonly<Record<string, Behaviour>> = {},
  stop?: AbortSignal,
) {
  const clock = virtualClock();
  const behaviourOf = (arn: string): Behaviour => behaviours[/s-\d+/.exec(arn)?.[0] ?? ''] ?? 'good';
  const simulation = simulate(clock, behaviourOf, random(1));
  const outcomes: SecretOutcome[] = [];
  const onOutcome = (outcome: SecretOutcome): void => void outcomes.push(outcome);
  const again = () =>
    clock.drive(
      runFleet(plan, { api: simulation.api, clock, onOutcome, ...(stop === undefined ? {} : { stop }) }),
    );
  return { result: await again(), simulation, outcomes, again, clock };
}

const byOutcome = (outcomes: readonly SecretOutcome[], wanted: Outcome): string[] =>
  outcomes.filter(({ outcome }) => outcome === wanted).map(({ name }) => name);

describe('a run of a plan', () => {
  it('rotates each secret once, and keeps to what is allowed at a target', async () => {
    const { result, simulation } = await run(planOf(secretsOf(7, 20), { perTarget: 3 }));
    expect(result).toMatchObject({ end: 'finished', failures: [], throttled: 0 });
    expect(result.counts.rotated).toBe(140);
    expect(result.maxPerTarget).toBe(3);
    expect([...simulation.rotated.values()].every((times) => times === 1)).toBe(true);
  });

  it('uses nine tenths of the quotas for 10,000 secrets, breaks none, and needs no more memory on the way', async () => {
    const plan = planOf(secretsOf(100, 100), { perTarget: 10, atOnce: 200, waves: [100] });
    const clock = virtualClock();
    const simulation = simulate(clock, () => 'good', random(1));
    const heaps: number[] = [];
    const onProgress = ({ done }: { readonly done: number }): void => {
      if (done % 2000 === 0) heaps.push(collectedHeap());
    };
    const result = await clock.drive(runFleet(plan, { api: simulation.api, clock, onProgress }));
    expect(result.counts.rotated).toBe(10_000);
    expect(result.throttled + simulation.throttled).toBe(0);
    // Of all the time, its start and its end included.
    expect(simulation.writes.length / (result.durationMs / 1000)).toBeGreaterThanOrEqual(45);
    expect(mostWithin(1, simulation.rotations)).toBeLessThanOrEqual(50);
    // The run can't decide when a function makes its writes. The bucket of one second evens them out.
    expect(mostWithin(10, simulation.writes)).toBeLessThanOrEqual(500);
    // The simulation keeps the dates of 10,000 secrets and of 30,000 calls.
    expect(Math.max(...heaps) - (heaps[0] ?? 0)).toBeLessThan(8 * 1024 * 1024);
  }, 120_000);

  it('uses the quotas of each account and region', async () => {
    const places = ['eu-west-1:123456789012', 'us-east-1:123456789012', 'eu-west-1:210987654321'];
    const secrets = secretsOf(60, 50).map((secret, index) => ({
      ...secret,
      arn: secret.arn.replace('eu-west-1:123456789012', String(places[index % places.length])),
    }));
    const plan = planOf(secrets, { perTarget: 10, atOnce: 600, waves: [100] });
    const { result, simulation } = await run(plan);
    expect(result.counts.rotated).toBe(3000);
    expect(result.throttled + simulation.throttled).toBe(0);
    const alone = planOf(secretsOf(60, 50), { perTarget: 10, atOnce: 600, waves: [100] });
    expect(plan.estimatedSeconds).toBeLessThan(alone.estimatedSeconds / 2);
    // A thousand secrets of a place, at 23 a second.
    expect(result.durationMs / 1000).toBeLessThan(55);
  }, 60_000);

  it('names what is gone, off, refused or stuck, and goes on with the rest', async () => {
    const behaviours = {
      's-00010': 'gone',
      's-00011': 'off',
      's-00012': 'refused',
      's-00013': 'stuck',
      's-00014': 'deleted',
    } as const;
    const { result, outcomes } = await run(planOf(secretsOf(5, 10), { toleratedPercent: 100 }), behaviours);
    expect(result.end).toBe('finished');
    expect(byOutcome(outcomes, 'gone').sort()).toEqual(['s-00010', 's-00014']);
    expect(byOutcome(outcomes, 'off')).toEqual(['s-00011']);
    expect(byOutcome(outcomes, 'refused')).toEqual(['s-00012']);
    expect(byOutcome(outcomes, 'unfinished')).toEqual(['s-00013']);
    expect(result.counts.rotated).toBe(45);
    expect(result.failures.find(({ name }) => name === 's-00012')?.detail).toContain('No right');
  });

  it('leaves a target alone whose first secret was not rotated', async () => {
    const { result, outcomes } = await run(planOf(secretsOf(20, 5)), { 's-00003': 'stuck' });
    expect(result.end).toBe('finished');
    expect(byOutcome(outcomes, 'unfinished')).toEqual(['s-00003']);
    expect(byOutcome(outcomes, 'skipped').sort()).toEqual(['s-00023', 's-00043', 's-00063', 's-00083']);
    expect(result.counts.rotated).toBe(95);
  });

  it('stops at too many failed targets, and begins nothing more', async () => {
    const plan = planOf(secretsOf(10, 10), { toleratedPercent: 10 });
    const { result, simulation } = await run(plan, { 's-00001': 'stuck', 's-00002': 'stuck' });
    expect(result.end).toBe('braked');
    expect(result.counts['not-started']).toBe(90);
    expect(simulation.rotations.length).toBe(10);
  });

  it('ends when it is told to, and goes on later with what is left', async () => {
    const stop = new AbortController();
    const plan = planOf(secretsOf(10, 10));
    const clock = virtualClock();
    const simulation = simulate(clock, () => 'good', random(1));
    const first = await clock.drive(
      runFleet(plan, {
        api: simulation.api,
        clock,
        stop: stop.signal,
        onProgress: ({ done }) => done >= 30 && stop.abort(),
      }),
    );
    expect(first.end).toBe('stopped');
    expect(first.counts.rotated).toBeGreaterThanOrEqual(30);
    expect(first.counts['not-started']).toBeGreaterThan(0);
    const second = await clock.drive(runFleet(plan, { api: simulation.api, clock }));
    expect(second.end).toBe('finished');
    expect(second.counts['already-rotated']).toBe(first.counts.rotated);
    expect(second.counts.rotated).toBe(100 - first.counts.rotated);
    expect([...simulation.rotated.values()].every((times) => times === 1)).toBe(true);
  });

  it('rotates nothing twice, whatever is stopped and begun again, also twice at once', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(60), { maxLength: 4 }), fc.nat(9), async (stops, stuck) => {
        const plan = planOf(secretsOf(6, 10), { toleratedPercent: 100 });
        const clock = virtualClock();
        const simulation = simulate(
          clock,
          (arn) => (arn.includes(`s-0000${stuck}`) ? 'stuck' : 'good'),
          random(2),
        );
        for (const after of stops) {
          const stop = new AbortController();
          await clock.drive(
            runFleet(plan, {
              api: simulation.api,
              clock,
              stop: stop.signal,
              onProgress: ({ done }) => done >= after && stop.abort(),
            }),
          );
        }
        await clock.drive(
          Promise.all([
            runFleet(plan, { api: simulation.api, clock }),
            runFleet(plan, { api: simulation.api, clock }),
          ]),
        );
        expect(Math.max(...simulation.rotated.values())).toBe(1);
      }),
      { numRuns: 15 },
    );
  });
});

describe('a plan', () => {
  it('has one target for all spellings of a host', () => {
    const spellings = [
      'db.Example.COM',
      'db.example.com.',
      ' db.example.com',
      'DB.EXAMPLE.COM:5432',
      'db.example.com.:1',
    ];
    expect(new Set(spellings.map(targetOfHost))).toEqual(new Set(['db.example.com']));
    expect(['::1', '[::1]', '[::1]:5432'].map(targetOfHost)).toEqual(['::1', '::1', '::1']);
    expect(targetOfHost('https://API.example.com:8443/v1')).toBe('api.example.com');
    expect(targetOfHost('db-1.example.com')).not.toBe(targetOfHost('db-2.example.com'));
  });

  it('has each secret in one wave, the first of each target alone before the others', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 250 }), (targets, each) => {
        const secrets = secretsOf(targets, each);
        const plan = planOf(secrets, { waves: ['canary', 10, 100] });
        const planned = plan.waves.flatMap(({ items }) => items.flatMap((item) => item.secrets));
        expect(planned.map(({ name }) => name).sort()).toEqual(secrets.map(({ name }) => name).sort());
        expect(new Set(planned.map(({ token }) => token)).size).toBe(planned.length);
        expect(plan.waves[0]?.items.every((item) => item.secrets.length === 1)).toBe(true);
        for (const { items } of plan.waves) {
          expect(new Set(items.map(({ target }) => target)).size).toBe(items.length);
          for (const item of items) expect(JSON.stringify(item).length).toBeLessThan(256 * 1024);
        }
      }),
    );
  });

  it('takes as long as the slowest of quota, target and what is under way', () => {
    const fast = planOf(secretsOf(500, 20), { perTarget: 10, atOnce: 300 });
    expect(fast.estimatedSeconds).toBeGreaterThan(10_000 / 25);
    const slow = planOf(secretsOf(1, 1000), { perTarget: 1 });
    expect(slow.estimatedSeconds).toBeGreaterThanOrEqual(9990);
  });
});
