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
  /** The function's process is killed, and another one tries again with the same token. */
  'process-killed',
  /** No further step comes until the schedule's next rotation. */
  'next-schedule',
] as const;

/** One of {@link recoveries}. */
export type Recovery = (typeof recoveries)[number];

/** In a walk: the rotation is left as it is, and the next one follows. */
export const abandoned = 'abandoned';

/** Recoveries before which Secrets Manager gives up: the step after the fault never comes. */
export const givenUp: ReadonlySet<string> = new Set([
  'pending-cleared',
  'cancelled',
  'next-schedule',
  abandoned,
]);

/** A rotation may need one more attempt after a fault. */
const mostAttempts = 2;

/** Lets a rotation recover. @returns the broken promise, or undefined */
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
