import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import { homeOf, type Partition } from '../arn.ts';
import { dueAt, type Secret } from '../model.ts';
import type { Store } from './store.ts';
import { DamagedRow } from './store-error.ts';

type Row = Record<string, SQLOutputValue>;

/** The secrets of all accounts and regions, without their versions. */
export function secretTable(database: DatabaseSync) {
  const byArn = database.prepare('SELECT record FROM secrets WHERE arn = ?');
  const byName = database.prepare('SELECT record FROM secrets WHERE place = ? AND name = ?');
  const save = database.prepare(`
    INSERT INTO secrets (arn, place, name, changed_at, accessed_at, due_at, in_rotation, record)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (arn) DO UPDATE SET
      changed_at = excluded.changed_at, accessed_at = excluded.accessed_at, due_at = excluded.due_at,
      in_rotation = excluded.in_rotation, record = excluded.record`);
  const remove = database.prepare('DELETE FROM secrets WHERE arn = ?');
  const due = database.prepare(
    'SELECT arn, due_at FROM secrets WHERE due_at IS NOT NULL ORDER BY due_at LIMIT 1',
  );
  const inRotation = database.prepare('SELECT record FROM secrets WHERE in_rotation = 1');
  return {
    secretByArn: (arn: string) => optionalSecret(byArn.get(arn)),
    secretByName: (partition: Partition, name: string) =>
      optionalSecret(byName.get(partitionKey(partition), name)),
    listSecrets: secretLists(database),
    saveSecret(secret: Secret) {
      const running = secret.rotation?.running ? 1 : 0;
      const place = partitionKey(homeOf(secret.arn));
      const dates = [secret.changedAt, secret.accessedAt ?? 0, dueAt(secret) ?? null] as const;
      save.run(secret.arn, place, secret.name, ...dates, running, JSON.stringify(secret));
    },
    removeSecret: (arn: string) => void remove.run(arn),
    nextDue() {
      const row = due.get();
      return row && { arn: String(row.arn), at: Number(row.due_at) };
    },
    secretsInRotation: () => inRotation.all().map(toSecret),
  };
}

const sortColumns = {
  'created-date': 'position',
  'last-accessed-date': 'accessed_at',
  'last-changed-date': 'changed_at',
  name: 'name',
} as const;

/** A page begins at a key and not at an offset, so that it is read from an index. */
function secretLists(database: DatabaseSync): Store['listSecrets'] {
  return (partition, { sortBy, descending, limit, from }) => {
    const column = sortColumns[sortBy];
    const [order, comparison] = descending ? ['DESC', '<='] : ['ASC', '>='];
    const page = database.prepare(`
      SELECT * FROM secrets WHERE place = ? ${from ? `AND (${column}, position) ${comparison} (?, ?)` : ''}
      ORDER BY ${column} ${order}, position ${order} LIMIT ?`);
    const rows = page.all(partitionKey(partition), ...(from ?? []), limit + 1);
    const beyond = rows[limit];
    return {
      secrets: rows.slice(0, limit).map(toSecret),
      next: beyond && [sortKeyOf(beyond[column]), Number(beyond.position)],
    };
  };
}

function sortKeyOf(value: SQLOutputValue | undefined): string | number {
  return typeof value === 'string' ? value : Number(value);
}

function partitionKey({ accountId, region }: Partition): string {
  return `${accountId}/${region}`;
}

function optionalSecret(row: Row | undefined): Secret | undefined {
  return row && toSecret(row);
}

/** Trusts the record's form: saveSecret wrote it, in a file that nobody else may write. */
function toSecret(row: Row): Secret {
  try {
    const secret: Secret = JSON.parse(String(row.record));
    return secret;
  } catch {
    // A parser's message would quote the record.
    throw new DamagedRow(`The record of the secret in row ${row.position} is no JSON`);
  }
}
