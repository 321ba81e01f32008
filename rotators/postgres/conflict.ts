import { codeOf, messageOf, schemaOf } from './server-error.ts';

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
