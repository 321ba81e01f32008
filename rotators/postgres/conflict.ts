import { codeOf } from '../network.ts';
import { messageOf, schemaOf } from './server-error.ts';

/**
 * Whether somebody else changed the same role at the same moment: Lambda may deliver an event twice. Nothing was changed,
 * and another try may succeed. Postgres has no code for a row of the catalogue that was updated meanwhile, so the words
 * are compared: those of internal errors are not translated.
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
