import type { EventHub } from '../events.ts';

/** How the rotations of this process have ended. */
export interface Outcomes {
  /** @throws Error with the failure of the secret's last rotation; where it was cancelled; where there was none */
  check(secretArn: string): void;
}

/** Remembers of each secret how its last rotation ended. */
export function followOutcomes(events: Pick<EventHub, 'on'>): Outcomes {
  const failures = new Map<string, string | undefined>();
  events.on((event) => {
    if (event.type === 'rotation-succeeded') failures.set(event.secretArn, undefined);
    if (event.type === 'rotation-failed') failures.set(event.secretArn, event.error);
    if (event.type === 'rotation-cancelled') failures.set(event.secretArn, 'The rotation was cancelled.');
  });
  return {
    check: (secretArn) => {
      const failure = failures.get(secretArn);
      if (failure !== undefined) throw new Error(`The rotation of ${secretArn} failed: ${failure}`);
      if (!failures.has(secretArn))
        throw new Error(`No rotation of ${secretArn} was begun: call RotateSecret.`);
    },
  };
}
