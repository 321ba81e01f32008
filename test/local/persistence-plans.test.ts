import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { expect, it, onTestFinished } from 'vitest';
import { memoryKeyRing } from '../../src/local/store/key-ring.ts';
import { createSchema } from '../../src/local/store/schema.ts';
import { sqliteStore } from '../../src/local/store/sqlite-store.ts';

/** A database that notes what is prepared. */
class NotingDatabase extends DatabaseSync {
  readonly statements = new Set<string>();

  override prepare(statement: string): StatementSync {
    this.statements.add(statement);
    return super.prepare(statement);
  }
}

it('reads and writes a store by indexes, whatever its size', () => {
  const database = new NotingDatabase(':memory:');
  onTestFinished(() => database.close());
  createSchema(database, 'test');
  database.statements.clear();
  const store = sqliteStore(database, { path: 'test', keys: memoryKeyRing(), undone: () => undefined });
  const partition = { accountId: '123456789012', region: 'us-east-1' };
  for (const sortBy of ['created-date', 'last-accessed-date', 'last-changed-date', 'name'] as const) {
    for (const from of [undefined, [sortBy === 'name' ? 'n' : 1, 1] as const]) {
      store.listSecrets(partition, { sortBy, descending: false, limit: 1, from });
      store.listSecrets(partition, { sortBy, descending: true, limit: 1, from });
    }
  }
  const statements = [...database.statements].filter((statement) => /\b(FROM|INTO|UPDATE)\b/.test(statement));
  expect(statements.length).toBeGreaterThan(20);
  const plans = statements.map((statement) =>
    database
      .prepare(`EXPLAIN QUERY PLAN ${statement}`)
      .all()
      .map(({ detail }) => detail)
      .join('; '),
  );
  expect(plans).toContain('SEARCH secrets USING INDEX sqlite_autoindex_secrets_1 (arn=?)');
  expect(plans).toContain('SEARCH secrets USING INDEX sqlite_autoindex_secrets_2 (place=? AND name=?)');
  // These two indexes hold only the secrets that are due, or in rotation; and versions of one secret may be sorted.
  const few =
    /^SCAN secrets USING INDEX secrets_(due|in_rotation)$|^SEARCH versions .* \(arn=\?\); USE TEMP B-TREE/;
  expect(plans.filter((plan) => /SCAN|TEMP B-TREE/.test(plan) && !few.test(plan))).toEqual([]);
});
