import type { RotatorHarness } from '../harness.ts';
import type { ChildPool } from './child-pool.ts';
import type { Plan } from './driver.ts';
import { abandoned, recover } from './recovery.ts';
import { startWorld, type World } from './world.ts';

/** What came of a cell or a walk. */
export interface CellResult {
  /** What did not hold; undefined where all did. */
  readonly failure: string | undefined;
  /** Whether each plan's call was made; a walk may be at rest before. */
  readonly struck: boolean;
  /** Each remote call and each act in their order; nothing secret. */
  readonly trace: readonly string[];
}

/** Runs plans one after the other, on one account and one local Secrets Manager of their own. */
export async function runPlans(
  harness: RotatorHarness,
  plans: readonly Plan[],
  children: ChildPool | undefined,
): Promise<CellResult> {
  const killing = plans.some(({ recovery }) => recovery === 'process-killed');
  const world = await startWorld(harness, killing ? children : undefined);
  try {
    const { trace } = world;
    let struck = true;
    for (const plan of plans) {
      const failure = await play(world, plan);
      struck &&= world.fired;
      if (failure !== undefined) return { failure, struck, trace };
    }
    const failure = plans.at(-1)?.recovery === abandoned ? await heal(world) : undefined;
    return { failure, struck, trace };
  } finally {
    await world.close();
  }
}

async function play(world: World, plan: Plan): Promise<string | undefined> {
  world.plan(plan);
  await world.rotate();
  world.resume();
  if (plan.recovery === abandoned) return world.violation;
  return (await recover(world, plan.recovery)) ?? (await world.invariants.atRest());
}

/** Whatever was left behind, the next rotation heals it. */
async function heal(world: World): Promise<string | undefined> {
  await world.rotate();
  return (await recover(world, 'retried')) ?? (await world.invariants.atRest());
}
