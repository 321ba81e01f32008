import type { EventHub } from '../events.ts';

/** How the last rotation of each secret has ended, in this process. */
export interface Outcomes {
  /** @throws Error unless the secret's last rotation has succeeded: it failed, it was cancelled, or there was none */
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
