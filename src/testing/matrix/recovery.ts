/** What happens after a fault. */
export const recoveries = [
  /** Secrets Manager tries the rotation again, with the same token. */
  'retried',
  /** A second invocation of the step runs while the first one meets its fault. Then the rotation is tried again. */
  'second-invocation',
  /** No further step comes. An operator takes AWSPENDING off and rotates with a new token. */
  'pending-cleared',
  /** No further step comes. An operator cancels the rotation and turns it on again. */
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

/** Recoveries that begin after Secrets Manager has given up: no step comes after the fault. */
export const givenUp: ReadonlySet<string> = new Set([
  'pending-cleared',
  'cancelled',
  'next-schedule',
  abandoned,
]);
