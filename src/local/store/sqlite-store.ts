import { closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import type { SecretValue, Version } from '../model.ts';
import { cachedStore } from './cached-store.ts';
import { fileKeyRing, type KeyRing, memoryKeyRing } from './key-ring.ts';
import { secretTable } from './secret-table.ts';
import { openDatabase } from './sqlite.ts';
import type { Store } from './store.ts';
import { createTransactions } from './transactions.ts';
import { decryptValue, encryptValue } from './value-cipher.ts';

type Row = Record<string, SQLOutputValue>;

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS secrets (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    arn TEXT NOT NULL UNIQUE,
    place TEXT NOT NULL,
    name TEXT NOT NULL,
    changed_at REAL NOT NULL,
    accessed_at REAL NOT NULL,
    due_at REAL,
    in_rotation INTEGER NOT NULL,
    record TEXT NOT NULL,
    UNIQUE (place, name)
  ) STRICT;
  CREATE INDEX IF NOT EXISTS secrets_created ON secrets (place, position);
  CREATE INDEX IF NOT EXISTS secrets_changed ON secrets (place, changed_at, position);
  CREATE INDEX IF NOT EXISTS secrets_accessed ON secrets (place, accessed_at, position);
  CREATE INDEX IF NOT EXISTS secrets_due ON secrets (due_at) WHERE due_at IS NOT NULL;
  CREATE INDEX IF NOT EXISTS secrets_in_rotation ON secrets (in_rotation) WHERE in_rotation = 1;
  CREATE TABLE IF NOT EXISTS versions (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    arn TEXT NOT NULL REFERENCES secrets (arn) ON DELETE CASCADE,
    id TEXT NOT NULL,
    created_at REAL NOT NULL,
    accessed_at REAL,
    kms_key_id TEXT,
    kind TEXT,
    sealed BLOB,
    UNIQUE (arn, id)
  ) STRICT;`;

/** A store that is gone with the process. */
export function openMemoryStore(): Store {
  const database = openDatabase(':memory:');
  database.exec(`PRAGMA foreign_keys = ON; ${SCHEMA}`);
  return cachedStore((undone) =>
    sqliteStore(database, { path: 'the memory', keys: memoryKeyRing(), undone }),
  );
}

/**
 * The store of a folder, which is made, for its owner alone, where it is missing.
 * @throws Error when another process uses the folder, or its files are damaged
 */
export function openFileStore(directory: string): Store {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const path = join(directory, 'secrets.db');
  // SQLite would make it readable for everybody, and gives its journal the mode that the database has.
  closeSync(openSync(path, 'a', 0o600));
  const database = openDatabase(path);
  try {
    takeOver(database, directory);
    const keys = fileKeyRing(join(directory, 'keys.json'));
    const store = cachedStore((undone) => sqliteStore(database, { path, keys, undone }));
    checkKeys(database, store, directory);
    return store;
  } catch (error) {
    database.close();
    throw error;
  }
}

/**
 * The lock is the operating system's, on the database file, held from the first transaction to the end of the
 * process: it needs no lock file, and nothing is left to clear away after a kill. synchronous=FULL because an
 * answered write must outlast a power cut too, not only the process.
 */
function takeOver(database: DatabaseSync, directory: string): void {
  try {
    database.exec(`
      PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
      PRAGMA foreign_keys = ON; BEGIN IMMEDIATE; ${SCHEMA} COMMIT;`);
  } catch (error) {
    if (error instanceof Error && error.message.includes('locked')) {
      throw new Error(`The data folder ${directory} is in use by another process.`, { cause: error });
    }
    throw new Error(`The database in ${directory} can't be opened: ${String(error)}`, { cause: error });
  }
}

/** Keys that don't belong to this database are found out at the start, and not by the first client. */
function checkKeys(database: DatabaseSync, store: Store, directory: string): void {
  const any = database.prepare('SELECT arn, id FROM versions WHERE sealed IS NOT NULL LIMIT 1').get();
  try {
    if (any) store.readValue(String(any.arn), String(any.id));
  } catch (error) {
    throw new Error(`The key file in ${directory} is missing, or does not belong to the database there.`, {
      cause: error,
    });
  }
}

interface StoreParts {
  /** The database's name in errors. */
  readonly path: string;
  readonly keys: KeyRing;
  readonly undone: () => void;
}

function sqliteStore(database: DatabaseSync, { path, keys, undone }: StoreParts): Store {
  const transactions = createTransactions(database, path, undone);
  const writing =
    <Args extends readonly unknown[]>(write: (...args: Args) => void) =>
    (...args: Args): void => {
      transactions.beforeWrite();
      write(...args);
    };
  const secrets = secretTable(database);
  const versions = versionTable(database);
  const values = valueColumns(database, keys);
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

function valueColumns(database: DatabaseSync, keys: KeyRing) {
  const read = database.prepare('SELECT kms_key_id, kind, sealed FROM versions WHERE arn = ? AND id = ?');
  const write = database.prepare(
    'UPDATE versions SET kms_key_id = ?, kind = ?, sealed = ? WHERE arn = ? AND id = ?',
  );
  return {
    readValue(arn: string, versionId: string): SecretValue | undefined {
      const row = read.get(arn, versionId);
      if (!(row?.sealed instanceof Uint8Array)) return undefined;
      const kind = row.kind === 'string' ? 'string' : 'binary';
      const key = keys.keyToDecrypt(String(row.kms_key_id));
      const bytes = decryptValue(key, { arn, versionId, kind }, Buffer.from(row.sealed));
      return kind === 'string' ? { kind, text: bytes.toString('utf8') } : { kind, bytes };
    },
    writeValue(arn: string, versionId: string, value: SecretValue, kmsKeyId: string) {
      const plaintext = value.kind === 'string' ? Buffer.from(value.text, 'utf8') : value.bytes;
      const sealed = encryptValue(
        keys.keyToEncrypt(kmsKeyId),
        { arn, versionId, kind: value.kind },
        plaintext,
      );
      write.run(kmsKeyId, value.kind, sealed, arn, versionId);
    },
  };
}

function toVersion(row: Row): Version {
  return {
    id: String(row.id),
    createdAt: Number(row.created_at),
    accessedAt: row.accessed_at === null ? undefined : Number(row.accessed_at),
    kmsKeyId: row.kms_key_id === null ? undefined : String(row.kms_key_id),
  };
}
