import { setTimeout as sleep } from 'node:timers/promises';
import { KeyturnError, type Session } from '../../src/rotator/index.ts';

/** Most lacking privileges that an error names. */
const mostNamed = 10;

/**
 * Refuses a next user that can do less than the other of its pair.
 *
 * @param missing what it lacks, each in a person's words
 * @param remedy how to give it that
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
 * Sets a password. A retry sets what is set already, which a policy with a history refuses: then it is done.
 *
 * @param open logs in with the new password
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
 * Does a piece of work again while somebody else's work collides with it: a delivered event can arrive twice. The work has
 * to look anew at what there is.
 *
 * @param isConflict whether an error says so, and nothing was done
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
      // A pause of random length, so that the two don't meet again. An abort in it is not the news: the error is.
      await sleep(Math.random() * longestPauseMs, undefined, { signal }).catch(() => {
        throw error;
      });
    }
  }
}
