import type { KeyObject } from 'node:crypto';
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import type { SecretValue, Version } from '../model.ts';
import { cachedStore } from './cached-store.ts';
import { type KeyRing, memoryKeyRing } from './key-ring.ts';
import { createSchema } from './schema.ts';
import { secretTable } from './secret-table.ts';
import { openDatabase } from './sqlite.ts';
import type { Store } from './store.ts';
import { DamagedRow } from './store-error.ts';
import { createTransactions } from './transactions.ts';
import { decryptValue, encryptValue, type ValuePlace } from './value-cipher.ts';

type Row = Record<string, SQLOutputValue>;

const inMemoryName = 'The database in memory';

/** A store that is lost with the process. */
export function openMemoryStore(): Store {
  const database = openDatabase(':memory:');
  database.exec('PRAGMA foreign_keys = ON');
  createSchema(database, inMemoryName);
  return cachedStore((undone) =>
    sqliteStore(database, { path: inMemoryName, keys: memoryKeyRing(), undone }),
  );
}

/** What a store in a SQLite database is made with. */
export interface StoreParts {
  /** The database's name in errors. */
  readonly path: string;
  readonly keys: KeyRing;
  /** Called when written data has been undone. */
  readonly undone: () => void;
}

/** Makes the store of a database whose tables exist. */
export function sqliteStore(database: DatabaseSync, { path, keys, undone }: StoreParts): Store {
  const transactions = createTransactions(database, path, undone);
  const writing =
    <Args extends readonly unknown[]>(write: (...args: Args) => void) =>
    (...args: Args): void => {
      transactions.beforeWrite();
      write(...args);
    };
  const secrets = secretTable(database);
  const versions = versionTable(database);
  const values = valueTable(database, keys);
  return {
    transaction: transactions.run,
    commit: transactions.commit,
    hasUncommitted: transactions.isOpen,
    ...secrets,
    saveSecret: writing(secrets.saveSecret),
    removeSecret: writing(secrets.removeSecret),
    ...versions,
    saveVersion: writing(versions.saveVersion),
    removeVersion: writing(versions.removeVersion),
    readValue: values.readValue,
    writeValue: writing(values.writeValue),
    close: () => database.close(),
  };
}

function versionTable(database: DatabaseSync) {
  const byId = database.prepare('SELECT * FROM versions WHERE arn = ? AND id = ?');
  const all = database.prepare('SELECT * FROM versions WHERE arn = ? ORDER BY position');
  const save = database.prepare(`
    INSERT INTO versions (arn, id, created_at, accessed_at) VALUES (?, ?, ?, ?)
    ON CONFLICT (arn, id) DO UPDATE SET created_at = excluded.created_at, accessed_at = excluded.accessed_at`);
  const remove = database.prepare('DELETE FROM versions WHERE arn = ? AND id = ?');
  return {
    version(arn: string, versionId: string) {
      const row = byId.get(arn, versionId);
      return row && toVersion(row);
    },
    versions: (arn: string) => all.all(arn).map(toVersion),
    saveVersion: (arn: string, version: Version) =>
      void save.run(arn, version.id, version.createdAt, version.accessedAt ?? null),
    removeVersion: (arn: string, versionId: string) => void remove.run(arn, versionId),
  };
}

function valueTable(database: DatabaseSync, keys: KeyRing) {
  const read = database.prepare(`
    SELECT kms_key_id, kind, sealed FROM sealed_values JOIN versions ON position = version
    WHERE arn = ? AND id = ?`);
  const setKey = database.prepare('UPDATE versions SET kms_key_id = ? WHERE arn = ? AND id = ?');
  const write = database.prepare(`
    INSERT OR REPLACE INTO sealed_values (version, kind, sealed)
    SELECT position, ?, ? FROM versions WHERE arn = ? AND id = ?`);
  return {
    readValue(arn: string, versionId: string): SecretValue | undefined {
      const row = read.get(arn, versionId);
      if (!(row?.sealed instanceof Uint8Array)) return undefined;
      const kind = row.kind === 'string' ? 'string' : 'binary';
      const key = keys.keyToDecrypt(String(row.kms_key_id));
      const bytes = unseal(key, { arn, versionId, kind }, row.sealed);
      return kind === 'string' ? { kind, text: bytes.toString('utf8') } : { kind, bytes };
    },
    writeValue(arn: string, versionId: string, value: SecretValue, kmsKeyId: string) {
      const { kind } = value;
      const plaintext = value.kind === 'string' ? Buffer.from(value.text, 'utf8') : value.bytes;
      const sealed = encryptValue(keys.keyToEncrypt(kmsKeyId), { arn, versionId, kind }, plaintext);
      setKey.run(kmsKeyId, arn, versionId);
      write.run(kind, sealed, arn, versionId);
    },
  };
}

function unseal(key: KeyObject, place: ValuePlace, sealed: Uint8Array): Buffer {
  try {
    return decryptValue(key, place, Buffer.from(sealed));
  } catch (cause) {
    throw new DamagedRow(`The value of version ${place.versionId} of ${place.arn} can't be decrypted`, {
      cause,
    });
  }
}

function toVersion(row: Row): Version {
  return {
    id: String(row.id),
    createdAt: Number(row.created_at),
    accessedAt: row.accessed_at === null ? undefined : Number(row.accessed_at),
    kmsKeyId: row.kms_key_id === null ? undefined : String(row.kms_key_id),
  };
}
