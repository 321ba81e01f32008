import { createSecretKey, generateKeySync, type KeyObject } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

import { damaged, StoreError } from './store-error.ts';

const keyBits = 256;

/**
 * The data keys that secret values are encrypted with, one for each KMS key. They are key objects, because making a cipher from
 * a key in a buffer takes several times as long.
 */
export interface KeyRing {
  /** The data key of `kmsKeyId` for a new value. The first call makes it. */
  keyToEncrypt(kmsKeyId: string): KeyObject;
  /**
   * The data key that a stored value was encrypted with.
   * @throws StoreError if it is lost
   */
  keyToDecrypt(kmsKeyId: string): KeyObject;
}

/** A key ring that is lost with the process. */
export function memoryKeyRing(): KeyRing {
  const keys = new Map<string, KeyObject>();
  return ring(keys, (kmsKeyId) => addKey(keys, kmsKeyId));
}

/**
 * A key ring in a file that only its owner may read. A new key is on the disk before it is used. So no value is encrypted with
 * a key that a crash could lose.
 * @throws StoreError if the file isn't a key file
 */
export function fileKeyRing(path: string): KeyRing {
  const keys = existsSync(path) ? readKeys(path) : new Map<string, KeyObject>();
  const add = (kmsKeyId: string): KeyObject => {
    const withNewKey = new Map(keys);
    const key = addKey(withNewKey, kmsKeyId);
    writeKeys(path, withNewKey);
    keys.set(kmsKeyId, key);
    return key;
  };
  return ring(keys, add);
}

function ring(keys: ReadonlyMap<string, KeyObject>, add: (kmsKeyId: string) => KeyObject): KeyRing {
  return {
    keyToEncrypt: (kmsKeyId) => keys.get(kmsKeyId) ?? add(kmsKeyId),
    keyToDecrypt(kmsKeyId) {
      const key = keys.get(kmsKeyId);
      if (!key)
        throw new StoreError(`The data key of ${kmsKeyId} is lost: its values can't be read without it.`);
      return key;
    },
  };
}

function addKey(keys: Map<string, KeyObject>, kmsKeyId: string): KeyObject {
  const key = generateKeySync('aes', { length: keyBits });
  keys.set(kmsKeyId, key);
  return key;
}

function readKeys(path: string): Map<string, KeyObject> {
  const keys = new Map<string, KeyObject>();
  for (const [kmsKeyId, encoded] of Object.entries(parseKeyFile(path))) {
    const key = Buffer.from(String(encoded), 'base64');
    if (key.length * 8 !== keyBits) throw damaged(path);
    keys.set(kmsKeyId, createSecretKey(key));
  }
  return keys;
}

function parseKeyFile(path: string): object {
  try {
    const parsed: unknown = JSON.parse(readFileSync(path, 'utf8'));
    if (typeof parsed === 'object' && parsed !== null) return parsed;
  } catch (error) {
    // A parser's message would quote the file, which holds keys.
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw damaged(path);
}

function writeKeys(path: string, keys: ReadonlyMap<string, KeyObject>): void {
  const content = Object.fromEntries([...keys].map(([id, key]) => [id, key.export().toString('base64')]));
  const draft = `${path}.new`;
  const file = openSync(draft, 'w', 0o600);
  try {
    writeSync(file, `${JSON.stringify(content, null, 2)}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(draft, path);
  syncDirectory(dirname(path));
}

function syncDirectory(path: string): void {
  // Windows can't open a directory, and needs no such call for a rename to last.
  if (process.platform === 'win32') return;
  const directory = openSync(path, 'r');
  fsyncSync(directory);
  closeSync(directory);
}
