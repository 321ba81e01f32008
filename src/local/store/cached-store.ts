import { createLruCache, type LruCache } from '../lru-cache.ts';
import type { Secret, SecretValue, Version } from '../model.ts';
import type { Store } from './store.ts';

/** Characters of secrets, versions and values that are kept in memory, each. */
const keptCharacters = 8_000_000;
/** What the map takes for an entry, in characters. */
const entryCharacters = 200;

/**
 * The same store, with recently read data in memory. Looking there costs a tenth of SQLite, JSON and decryption. Nobody else
 * may write to the store, and every write passes here. So the data in memory is right.
 * @param open opens the store, which calls `undone` when written data has been undone
 */
export function cachedStore(open: (undone: () => void) => Store): Store {
  const secrets = createLruCache<Secret>(keptCharacters, sizeOfObject);
  const arns = createLruCache<string>(keptCharacters, sizeOfText);
  const versions = createLruCache<Version>(keptCharacters, sizeOfObject);
  const values = createLruCache<SecretValue>(keptCharacters, sizeOfValue);
  const forgetVersion = (arn: string, versionId: string) => {
    versions.delete(valueKey(arn, versionId));
    values.delete(valueKey(arn, versionId));
  };
  const forgetAll = () => {
    for (const kept of [secrets, arns, versions, values]) kept.clear();
  };
  const store = open(forgetAll);
  const secretByArn = (arn: string) => remember(secrets, arn, () => store.secretByArn(arn));
  return {
    ...store,
    secretByArn,
    secretByName(partition, name) {
      const key = `${partition.accountId}/${partition.region}/${name}`;
      const arn = arns.get(key);
      if (arn !== undefined) return secretByArn(arn);
      const secret = store.secretByName(partition, name);
      if (secret) {
        arns.set(key, secret.arn);
        secrets.set(secret.arn, secret);
      }
      return secret;
    },
    saveSecret(secret) {
      secrets.delete(secret.arn);
      store.saveSecret(secret);
    },
    removeSecret(arn) {
      // Forgets its name and versions too, because another secret can be made with them.
      forgetAll();
      store.removeSecret(arn);
    },
    version: (arn, versionId) =>
      remember(versions, valueKey(arn, versionId), () => store.version(arn, versionId)),
    saveVersion(arn, version) {
      versions.delete(valueKey(arn, version.id));
      store.saveVersion(arn, version);
    },
    removeVersion(arn, versionId) {
      forgetVersion(arn, versionId);
      store.removeVersion(arn, versionId);
    },
    readValue: (arn, versionId) =>
      remember(values, valueKey(arn, versionId), () => store.readValue(arn, versionId)),
    writeValue(arn, versionId, value, kmsKeyId) {
      // The version's key may change with the value.
      forgetVersion(arn, versionId);
      store.writeValue(arn, versionId, value, kmsKeyId);
    },
  };
}

function remember<Value>(
  kept: LruCache<Value>,
  key: string,
  read: () => Value | undefined,
): Value | undefined {
  const known = kept.get(key);
  if (known !== undefined) return known;
  const value = read();
  if (value !== undefined) kept.set(key, value);
  return value;
}

function valueKey(arn: string, versionId: string): string {
  return `${arn} ${versionId}`;
}

function sizeOfObject(value: object): number {
  return entryCharacters + JSON.stringify(value).length;
}

function sizeOfText(text: string): number {
  return entryCharacters + text.length;
}

function sizeOfValue(value: SecretValue): number {
  return entryCharacters + (value.kind === 'string' ? value.text.length : value.bytes.length);
}
