import { setTimeout as sleep } from 'node:timers/promises';
import { KeyturnError, type Session } from '../../src/rotator/index.ts';

/** How many missing privileges an error names at most. */
const mostNamed = 10;

/**
 * Refuses the next user if it can do less than the other user of its pair.
 *
 * @param missing the missing privileges, each in words for a person
 * @param other the name of the other user
 * @param remedy how to grant them
 * @throws PrivilegesMissing
 */
export function requireNothingMissing(missing: readonly string[], other: string, remedy: string): void {
  if (missing.length === 0) return;
  const rest = missing.length > mostNamed ? ` and ${missing.length - mostNamed} more` : '';
  throw new KeyturnError(
    'PrivilegesMissing',
    `The next user lacks what ${other} has: ${missing.slice(0, mostNamed).join('; ')}${rest}.`,
    remedy,
  );
}

/**
 * Sets a password. A retry sets the same password again. A policy with a history refuses that, and then the change is
 * done already.
 *
 * @param isPolicyRefusal whether an error means that the server's policy refuses the password
 * @param open logs in with the new password
 * @throws the errors of `set`
 */
export async function setOnce(
  set: () => Promise<void>,
  isPolicyRefusal: (error: unknown) => boolean,
  open: () => Promise<Session | undefined>,
): Promise<void> {
  try {
    await set();
  } catch (error) {
    if (!isPolicyRefusal(error)) throw error;
    const session = await open().catch(() => undefined);
    if (session === undefined) throw error;
    await session.close();
  }
}

const attempts = 12;
const longestPauseMs = 40;

/**
 * Repeats a piece of work while it collides with somebody else's: Lambda may deliver an event twice. Each time, the
 * work has to look again at the current state.
 *
 * @param isConflict whether an error means a collision, and nothing was changed
 * @throws the last error of `work`
 */
export async function untilNoConflict<T>(
  signal: AbortSignal,
  isConflict: (error: unknown) => boolean,
  work: () => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (attempt >= attempts || signal.aborted || !isConflict(error)) throw error;
      // A pause of random length, so that the two don't collide again. After an abort in the pause, the collision is
      // still the error to throw.
      await sleep(Math.random() * longestPauseMs, undefined, { signal }).catch(() => {
        throw error;
      });
    }
  }
}
