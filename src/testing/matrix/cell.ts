import type { RotatorHarness } from '../harness.ts';
import type { ChildPool } from './child-pool.ts';
import type { Plan } from './driver.ts';
import { abandoned } from './recovery.ts';
import { recover, startWorld, type World } from './world.ts';

/** The result of a cell or a walk. */
export interface CellResult {
  /** Which promise was broken. Undefined if none was. */
  readonly failure: string | undefined;
  /** Whether each plan's call was made. A walk's rotation may end before it. */
  readonly struck: boolean;
  /** Remote calls and operators' actions in order, without secret values. */
  readonly trace: readonly string[];
}

/** Runs plans one after the other, on a new account and a new local Secrets Manager. */
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
      const failure = await runPlan(world, plan);
      struck &&= world.fired;
      if (failure !== undefined) return { failure, struck, trace };
    }
    const failure = plans.at(-1)?.recovery === abandoned ? await rotateAgain(world) : undefined;
    return { failure, struck, trace };
  } finally {
    await world.close();
  }
}

async function runPlan(world: World, plan: Plan): Promise<string | undefined> {
  world.plan(plan);
  await world.rotate();
  world.resume();
  if (plan.recovery === abandoned) return world.violation;
  return (await recover(world, plan.recovery)) ?? (await world.invariants.atRest());
}

/** Checks that the next rotation recovers from whatever was left behind. */
async function rotateAgain(world: World): Promise<string | undefined> {
  await world.rotate();
  return (await recover(world, 'retried')) ?? (await world.invariants.atRest());
}
