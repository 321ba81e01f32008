import type { World } from './world.ts';

/** What happens after a fault. */
export const recoveries = [
  /** Secrets Manager tries the rotation again, with the same token. */
  'retried',
  /** A second invocation of the step runs while the first meets its fault; then the rotation is tried again. */
  'second-invocation',
  /** No further step comes; an operator takes AWSPENDING off and rotates with a new token. */
  'pending-cleared',
  /** No further step comes; an operator cancels the rotation and turns it on again. */
  'cancelled',
  /** The function is a process of its own, which is killed; another one tries again with the same token. */
  'process-killed',
  /** No further step comes until the schedule's next rotation. */
  'next-schedule',
] as const;

export type Recovery = (typeof recoveries)[number];

/** Nothing: the rotation is left as it is. What follows in a walk comes on top. */
export const abandoned = 'abandoned';

/** Recoveries before which Secrets Manager gives up: the step after the fault never comes. */
export const givenUp: ReadonlySet<string> = new Set([
  'pending-cleared',
  'cancelled',
  'next-schedule',
  abandoned,
]);

/** One try, and one more: what a rotation may need after a fault. */
const mostAttempts = 2;

/** Lets a rotation recover. @returns what did not go as it must, or undefined */
export async function recover(world: World, recovery: Recovery): Promise<string | undefined> {
  if (givenUp.has(recovery)) {
    if (recovery === 'pending-cleared') await world.clearPending();
    if (recovery === 'cancelled') await world.cancel();
    if (recovery === 'next-schedule') await world.nextSchedule();
    else await world.rotate();
  }
  if (world.violation !== undefined) return world.violation;
  const { succeeded, attempts, error } = world.outcome;
  if (!succeeded) return `The rotation did not recover: ${error}`;
  return attempts > mostAttempts ? `It took ${attempts} attempts.` : undefined;
}
