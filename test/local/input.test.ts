import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inputReader } from '../../src/local/protocol/input.ts';

const readList = inputReader('ListSecrets');
const readCreate = inputReader('CreateSecret');

function problemsOf(read: (body: unknown) => unknown, body: unknown): string {
  try {
    read(body);
  } catch (error) {
    return String(error);
  }
  return '';
}

describe('an input', () => {
  it('is what was sent, without members that the API does not know', () => {
    expect(readList({ MaxResults: 5, Colour: 'red', NextToken: null })).toEqual({ MaxResults: 5 });
    expect(readCreate({ Name: 'n', SecretBinary: 'AAE=' }).SecretBinary).toEqual(Buffer.from([0, 1]));
  });

  it('breaks no constraint exactly within its limits', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 5000 }), (length) => {
        const problem = problemsOf(readList, { NextToken: 'x'.repeat(length) });
        expect(problem === '').toBe(length >= 1 && length <= 4096);
      }),
    );
    fc.assert(
      fc.property(fc.integer({ min: -5, max: 200 }), (MaxResults) => {
        expect(problemsOf(readList, { MaxResults }) === '').toBe(MaxResults >= 1 && MaxResults <= 100);
      }),
    );
  });

  it('counts characters of a name and bytes of a value', () => {
    expect(problemsOf(readCreate, { Name: '🔑'.repeat(512) })).toBe('');
    expect(problemsOf(readCreate, { Name: 'n', SecretString: 'é'.repeat(32_768) })).toBe('');
    expect(problemsOf(readCreate, { Name: 'n', SecretString: 'é'.repeat(32_769) })).toMatch(/equal to 65536/);
  });

  it.each<[string, object, string]>([
    [
      'a list that is too long',
      { Filters: [{ Key: 'name', Values: Array(11).fill('a') }] },
      "Value '[a, a, a, a, a, a, a, a, a, a, a]' at 'filters.1.member.values' failed to satisfy constraint: Member " +
        'must have length less than or equal to 10',
    ],
    [
      'a pattern',
      { Filters: [{ Key: 'name', Values: ['a*'] }] },
      "Value 'a*' at 'filters.1.member.values.1.member' failed to satisfy constraint: Member must satisfy regular " +
        'expression pattern: ^\\!?[a-zA-Z0-9 :_@\\/\\+\\=\\.\\-\\!]*$',
    ],
    [
      'a choice',
      { SortOrder: 'up' },
      "Value 'up' at 'sortOrder' failed to satisfy constraint: Member must satisfy enum value set: [asc, desc]",
    ],
    [
      'a number',
      { MaxResults: 101 },
      "Value '101' at 'maxResults' failed to satisfy constraint: Member must have value less than or equal to 100",
    ],
  ])('names %s in AWS’s words', (_name, body, words) => {
    expect(problemsOf(readList, body)).toBe(`ServiceError: 1 validation error detected: ${words}`);
  });

  it('of a wrong type is told by its type, whatever is sent', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const problem = problemsOf(inputReader('RotateSecret'), { SecretId: value });
        if (typeof value === 'string') return;
        expect(problem).toMatch(value === null ? /must not be null/ : /can not be converted to a String/);
      }),
    );
  });
});
