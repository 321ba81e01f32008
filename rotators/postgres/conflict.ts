import { setTimeout as sleep } from 'node:timers/promises';
import { codeOf, messageOf, schemaOf } from './server-error.ts';

const attempts = 12;
const longestPauseMs = 40;

/**
 * Whether somebody else changed the same role at the same moment, so that nothing was done and another try may do
 * better: a delivered event can arrive twice. Postgres has no code of its own for a row of the catalogue that was
 * updated meanwhile; the words of its internal errors are not translated.
 *
 * @see https://github.com/postgres/postgres/blob/master/src/backend/access/heap/heapam.c simple_heap_update
 */
export function isConflict(error: unknown): boolean {
  const code = codeOf(error);
  if (code === 'XX000') return /^tuple concurrently (updated|deleted)$/.test(messageOf(error));
  // A role, a membership or a setting that the other made first.
  if (code === '23505') return schemaOf(error) === 'pg_catalog';
  // 42710: the role exists. 40001, 40P01: serialization failure, deadlock.
  return /^(42710|40001|40P01)$/.test(code);
}

/**
 * Does a piece of work again while somebody else's work collides with it. It has to look anew at what there is.
 *
 * @throws the last error of `work`
 */
export async function untilNoConflict<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
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
