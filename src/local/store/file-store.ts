import { closeSync, existsSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { cachedStore } from './cached-store.ts';
import { fileKeyRing } from './key-ring.ts';
import { createSchema } from './schema.ts';
import { openDatabase } from './sqlite.ts';
import { sqliteStore } from './sqlite-store.ts';
import type { Store } from './store.ts';
import { damaged, explainStoreFailure, StoreError } from './store-error.ts';

/**
 * Opens the store of a folder. A missing folder is made, for its owner alone.
 * @throws StoreError if another process uses the folder, or its files are damaged or can't be written
 */
export function openFileStore(directory: string): Store {
  const path = join(directory, 'secrets.db');
  makeFiles(directory, path);
  const database = openDatabase(path);
  try {
    takeOver(database, directory);
    checkPages(database, path);
    createSchema(database, path);
    const keys = fileKeyRing(join(directory, 'keys.json'));
    const store = cachedStore((undone) => sqliteStore(database, { path, keys, undone }));
    checkKeys(database, store, directory);
    return store;
  } catch (error) {
    database.close();
    throw explainStoreFailure(error, path);
  }
}

/** @throws StoreError that says what to do */
function makeFiles(directory: string, path: string): void {
  try {
    makeFolder(resolve(directory));
    // SQLite would make the file readable for everybody. Its journal gets the mode of the database.
    closeSync(openSync(path, 'a', 0o600));
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'EEXIST' || code === 'ENOTDIR') {
      throw new StoreError(`${directory} is no folder: name one, or one that is to be made.`, {
        cause: error,
      });
    }
    if (code === 'ENOENT') {
      throw new StoreError(`${directory} can't be made there: name a folder elsewhere.`, { cause: error });
    }
    throw explainStoreFailure(error, directory);
  }
}

/**
 * Makes a folder with those above it. Node.js's own `recursive` never ends if the file system refuses a folder with ENOENT, as
 * /proc does.
 */
function makeFolder(directory: string): void {
  try {
    mkdirSync(directory, { mode: 0o700 });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'EEXIST' && statSync(directory).isDirectory()) return;
    if (code !== 'ENOENT' || existsSync(dirname(directory))) throw error;
    makeFolder(dirname(directory));
    mkdirSync(directory, { mode: 0o700 });
  }
}

/**
 * Locks the database for this process. The operating system holds the lock on the file until the process ends. So there is no
 * lock file, and nothing to clear away after a kill. synchronous=FULL, because an answered write must survive a power cut.
 */
function takeOver(database: DatabaseSync, directory: string): void {
  try {
    database.exec(`
      PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
      PRAGMA foreign_keys = ON; BEGIN IMMEDIATE; COMMIT;`);
  } catch (error) {
    if (error instanceof Error && error.message.includes('locked')) {
      throw new StoreError(`The data folder ${directory} is in use by another process.`, { cause: error });
    }
    throw error;
  }
}

/** Finds damage at the start, before a client does. Takes 0.15 s for a hundred thousand secrets. */
function checkPages(database: DatabaseSync, path: string): void {
  const found = database.prepare('PRAGMA quick_check(1)').get()?.quick_check;
  if (found !== 'ok') throw damaged(path, new Error(String(found)));
}

/** Reads one value, so that a wrong key file is found at the start, before a client does. */
function checkKeys(database: DatabaseSync, store: Store, directory: string): void {
  const any = database.prepare('SELECT arn, id FROM versions WHERE kms_key_id IS NOT NULL LIMIT 1').get();
  try {
    if (any) store.readValue(String(any.arn), String(any.id));
  } catch (error) {
    throw new StoreError(
      `The key file in ${directory} is missing, or does not belong to the database there: put back the one that does.`,
      { cause: error },
    );
  }
}
