import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Secret } from '../../src/local/model.ts';
import { parseFilters, wordsOf } from '../../src/local/operations/secret-filters.ts';

const keys = [
  'name',
  'description',
  'tag-key',
  'tag-value',
  'primary-region',
  'owning-service',
  'all',
] as const;

const text = fc.stringMatching(/^[A-Za-z0-9/_+=.@-]{1,12}$/);
const secrets: fc.Arbitrary<Secret> = fc.record({
  arn: fc.constant('arn:aws:secretsmanager:eu-west-1:111111111111:secret:n-abcdef'),
  name: text,
  description: fc.option(text, { nil: undefined }),
  tags: fc.option(fc.array(fc.record({ Key: text, Value: text }), { maxLength: 3 }), { nil: undefined }),
  primaryRegion: fc.constantFrom('eu-west-1', 'us-east-1', undefined),
  labels: fc.constant({}),
  createdAt: fc.constant(0),
  changedAt: fc.constant(0),
});
const filter = fc.record({
  Key: fc.constantFrom(...keys),
  Values: fc.array(text, { minLength: 1, maxLength: 3 }),
});

function secretOf(more: Partial<Secret>): Secret {
  const arn = 'arn:aws:secretsmanager:eu-west-1:111111111111:secret:n-abcdef';
  return { arn, name: 'n', labels: {}, createdAt: 0, changedAt: 0, ...more };
}

describe('filters', () => {
  it('are negated by a !', () => {
    fc.assert(
      fc.property(secrets, fc.constantFrom(...keys), text, (secret, Key, value) => {
        const plain = parseFilters([{ Key, Values: [value] }])(secret);
        expect(parseFilters([{ Key, Values: [`!${value}`] }])(secret)).toBe(!plain);
      }),
    );
  });

  it('match any of their values, and all filters must match', () => {
    fc.assert(
      fc.property(secrets, filter, filter, (secret, one, other) => {
        const passes = (filters: Parameters<typeof parseFilters>[0]) => parseFilters(filters)(secret);
        const { Key } = one;
        expect(passes([one])).toBe(one.Values.some((value) => passes([{ Key, Values: [value] }])));
        expect(passes([one, other])).toBe(passes([one]) && passes([other]));
      }),
    );
  });

  it('find a secret by any beginning of its name, and of a tag', () => {
    fc.assert(
      fc.property(secrets, fc.nat(), (secret, length) => {
        const beginning = (whole: string) => whole.slice(0, 1 + (length % whole.length));
        expect(parseFilters([{ Key: 'name', Values: [beginning(secret.name)] }])(secret)).toBe(true);
        for (const { Key, Value } of secret.tags ?? []) {
          expect(parseFilters([{ Key: 'tag-key', Values: [beginning(Key)] }])(secret)).toBe(true);
          expect(parseFilters([{ Key: 'tag-value', Values: [beginning(Value)] }])(secret)).toBe(true);
        }
      }),
    );
  });

  it.each([
    ['prod/AppBeta/x', ['prod', 'app', 'beta', 'x']],
    ['prod@AppBeta', ['prod', 'app', 'beta']],
    ['one and two', ['one', 'and', 'two']],
    ['SecretOne', ['secret', 'one']],
    ['Thirdsecret', ['thirdsecret']],
    ['uat/COMPANY', ['uat', 'company']],
    ['uat/COMPANYthings', ['uat', 'compan', 'ythings']],
    ['prod-app/x', ['prod-app/x']],
    ['+', []],
  ])('take %s apart as AWS does', (whole, words) => {
    expect(wordsOf(whole)).toEqual(words);
  });

  it.each<[string, Partial<Secret>, boolean]>([
    ['secret', { name: 'SecretOne' }, true],
    ['ret', { name: 'SecretOne' }, false],
    ['d t', { name: 'x', description: 'DescTwo' }, true],
    ['d t', { name: 'Desc', description: 'Two' }, false],
    ['foo', { tags: [{ Key: 'foo', Value: 'v' }] }, true],
    ['Ythings', { name: 'uat/COMPANYthings' }, true],
    ['things', { name: 'uat/COMPANYthings' }, false],
  ])('by all look for %j in %j', (value, more, expected) => {
    expect(parseFilters([{ Key: 'all', Values: [value] }])(secretOf(more))).toBe(expected);
  });

  it('need a key and values', () => {
    expect(() => parseFilters([{ Values: ['a'] }])).toThrow('Invalid filter key');
    expect(() => parseFilters([{ Key: 'name' }])).toThrow('Invalid filter values for key: name');
  });
});
