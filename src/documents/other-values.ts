import { commentsIn, nameOfField } from './copies.ts';
import type { OtherValue, ParsedText } from './form.ts';
import type { Leaf } from './leaves.ts';
import { connectionStringForm, parseIfPossible } from './recognise.ts';
import { readName } from './setting-names.ts';
import { isDatabaseUrl } from './url.ts';

/** Every value that may hold a copy of the password. Users, hosts and the like are left out: they may equal it on purpose. */
export function othersOf(leaves: readonly Leaf[]): OtherValue[] {
  return [...valuesOf(leaves), ...namesOf(leaves)];
}

function valuesOf(leaves: readonly Leaf[]): OtherValue[] {
  return leaves.flatMap((leaf): OtherValue[] => {
    const { embedding, path, name } = leaf;
    if (embedding === undefined) return [];
    if (leaf.isContainer === true) return [{ path, value: [...commentsIn(embedding.text)].join('\n') }];
    const form = connectionStringForm(embedding.text);
    const parsed = form === undefined ? undefined : parseIfPossible(form, embedding.text);
    const isString =
      parsed !== undefined && (form === 'url' || form === 'jdbc' || parsed.fields.password !== undefined);
    if (isString && form === 'url' && !isDatabaseUrl(embedding.text)) {
      const [, beforeQuery = '', fragment = ''] = /^([^?#]*)(?:\?[^#]*)?(#.*)?$/s.exec(embedding.text) ?? [];
      return [{ path, value: beforeQuery }, { path, value: fragment }, ...insideOf(path, parsed)];
    }
    if (isString) return insideOf(path, parsed);
    return isOtherField(name) ? [] : [{ path, value: embedding.text }];
  });
}

/** A name may hold a copy too, if it is long enough. */
function namesOf(leaves: readonly Leaf[]): OtherValue[] {
  return leaves
    .filter(({ path }) => path.length >= 8)
    .map(({ path, scope }) => ({
      path: scope === '' ? nameOfField : `${scope}.${nameOfField}`,
      value: path,
    }));
}

/** The values within a connection string. */
function insideOf(path: string, { slots, others }: ParsedText): OtherValue[] {
  const passwords = slots
    .filter(({ field }) => field === 'password')
    .map(({ value }) => `password=${String(value)}`);
  return [
    ...passwords.map((value) => ({ path, value })),
    ...others.map((other) => ({ path: `${path}.${other.path}`, value: other.value })),
  ];
}

function isOtherField(name: string): boolean {
  const readings = readName(name);
  return name === 'masterarn' || (readings.length > 0 && readings.every(({ field }) => field !== 'password'));
}
