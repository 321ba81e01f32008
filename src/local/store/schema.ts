import type { DatabaseSync } from 'node:sqlite';
import { StoreError } from './store-error.ts';

/** Must be raised with every change of the tables. */
const schemaVersion = 1;

/** Values have a table of their own, so that a new date of access doesn't write the value again. */
const schema = `
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
    UNIQUE (arn, id)
  ) STRICT;
  CREATE TABLE IF NOT EXISTS sealed_values (
    version INTEGER PRIMARY KEY REFERENCES versions (position) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    sealed BLOB NOT NULL
  ) STRICT;`;

/**
 * Makes the tables if there are none.
 * @param path the database's name in errors
 * @throws StoreError if the tables are those of another version
 */
export function createSchema(database: DatabaseSync, path: string): void {
  const isEmpty = database.prepare('SELECT 1 FROM sqlite_schema').get() === undefined;
  const version = database.prepare('PRAGMA user_version').get()?.user_version;
  if (!isEmpty && version !== schemaVersion) {
    throw new StoreError(`${path} was made by another version of Keyturn: use that, or another folder.`);
  }
  // Only written if missing, so that a folder on a full disk can still be opened and read.
  if (isEmpty) database.exec(`BEGIN IMMEDIATE; ${schema} PRAGMA user_version = ${schemaVersion}; COMMIT`);
}
