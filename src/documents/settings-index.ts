import { knownEngine } from './engines.ts';
import type { SecretFields } from './fields.ts';
import type { Leaf } from './leaves.ts';
import type { References } from './references.ts';
import { readName, type SettingField, wordsOf } from './setting-names.ts';
import { definedFields } from './switches.ts';

/** Finds settings by what their names mean. Built once for all passwords, of which a secret can have thousands. */
export interface Index {
  /** The first setting of an object whose name means a field and has this prefix: DB_HOST, for `db` and `host`. */
  meant(scope: string, prefix: string, field: SettingField): Leaf | undefined;
  /** The value of the first setting of an object with this name. Upper and lower case are the same. */
  named(scope: string, name: string): unknown;
  /**
   * For a reference such as `${DB_PASS}`: a leaf with the value, the place and the encoding of the setting that it refers
   * to. Any other leaf is returned as it is.
   */
  followed(leaf: Leaf): Leaf;
  /** All leaves with the same path as this one, itself included. Readers take the last. */
  duplicates(leaf: Leaf): readonly Leaf[];
  /** Whether a leaf is the last one with its path, which is the one that readers take. */
  counts(leaf: Leaf): boolean;
}

export function indexOf(leaves: readonly Leaf[], { target }: References): Index {
  const [meant, named] = [new Map<string, Leaf>(), new Map<string, unknown>()];
  const samePath = Map.groupBy(leaves, ({ path }) => path);
  const duplicates: Index['duplicates'] = (leaf) =>
    (samePath.get(leaf.path) ?? []).includes(leaf) ? (samePath.get(leaf.path) ?? []) : [leaf];
  const counts: Index['counts'] = (leaf) => duplicates(leaf).at(-1) === leaf;
  const followed: Index['followed'] = (leaf) => {
    const found = target(leaf.value, leaf.scope);
    if (found === undefined) return leaf;
    const { value, span, encode, embedding } = found;
    return { ...leaf, value, span, encode, embedding };
  };
  const key = (...parts: readonly string[]): string => JSON.stringify(parts);
  for (const written of leaves.filter(counts)) {
    const leaf = followed(written);
    const name = key(leaf.scope, leaf.name.toLowerCase());
    if (!named.has(name)) named.set(name, leaf.value);
    for (const { prefix, field } of isMeaningful(leaf.value) ? readName(leaf.name) : []) {
      const place = key(leaf.scope, prefix, field);
      const isUnknownEngine = field === 'engine' && engineIn(leaf.value) === undefined;
      if (!isUnknownEngine && !meant.has(place)) meant.set(place, leaf);
    }
  }
  return {
    meant: (scope, prefix, field) => meant.get(key(scope, prefix, field)),
    named: (scope, name) => named.get(key(scope, name)),
    followed,
    duplicates,
    counts,
  };
}

/**
 * The settings that go with a password: those of its object with the same prefix. A password without a prefix also takes
 * those of the objects around its own.
 */
export function membersOf({ scope }: Leaf, prefix: string, index: Index): Map<SettingField, Leaf> {
  const scopes = prefix === '' ? withParents(scope) : [scope];
  const members = new Map<SettingField, Leaf>();
  for (const field of ['username', 'host', 'port', 'dbname', 'engine', 'ssl'] as const) {
    const found = scopes.map((one) => index.meant(one, prefix, field)).find((leaf) => leaf !== undefined);
    if (found !== undefined) members.set(field, found);
  }
  return members;
}

function withParents(scope: string): string[] {
  const parts = scope === '' ? [] : scope.split('.');
  return parts.map((_, index) => parts.slice(0, parts.length - index).join('.')).concat('');
}

function isMeaningful(value: unknown): boolean {
  return (
    (typeof value === 'string' && value !== '') || typeof value === 'number' || typeof value === 'boolean'
  );
}

function engineIn(value: unknown): string | undefined {
  return typeof value === 'string' ? knownEngine(value.split('+')[0] ?? value) : undefined;
}

export function fieldsOf(
  members: ReadonlyMap<SettingField, Leaf>,
  prefix: string,
  { scope }: Leaf,
  index: Index,
): SecretFields {
  const [username, host, port, dbname] = (['username', 'host', 'port', 'dbname'] as const).map(
    (field) => members.get(field)?.value,
  );
  const byPrefix = wordsOf(prefix)
    .map((word) => knownEngine(word))
    .find((engine) => engine !== undefined);
  const engine = members.get('engine')?.value;
  // Django calls the database NAME. Elsewhere a NAME can be anything.
  const isDjango = typeof engine === 'string' && engine.includes('.');
  // npm's mssql has the switch for TLS among its options.
  const options = scope === '' ? 'options' : `${scope}.options`;
  return definedFields({
    engine: engineIn(engine) ?? byPrefix,
    username: typeof username === 'string' ? username : undefined,
    host: typeof host === 'string' ? host : undefined,
    port: typeof port === 'string' || typeof port === 'number' ? port : undefined,
    dbname: typeof dbname === 'string' ? dbname : isDjango ? textIn(index.named(scope, 'name')) : undefined,
    ssl: members.get('ssl')?.value ?? index.named(options, 'encrypt') ?? index.named(options, 'sslmode'),
  });
}

/** A text that is not empty. */
export function textIn(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
