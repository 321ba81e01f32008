import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fitsName, quoteIdentifier, quoteLiteral } from '../../../rotators/sqlserver/quoting.ts';
import { hostileNames, hostilePasswords } from '../../support/tds/harness.ts';

const texts = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom(...hostileNames, ...hostilePasswords),
  fc.string(),
);

/** Reads what is quoted as T-SQL does: up to the first closing character that is not doubled. */
function read(quoted: string, open: string, close: string): { value: string; rest: string } {
  expect(quoted.startsWith(open)).toBe(true);
  let value = '';
  let at = open.length;
  for (; at < quoted.length; at += 1) {
    const character = quoted.charAt(at);
    if (character === close) {
      if (quoted.charAt(at + 1) !== close) break;
      at += 1;
    }
    value += character;
  }
  return { value, rest: quoted.slice(at + 1) };
}

describe('quoting for SQL Server', () => {
  it('ends each identifier where it should, and nowhere before', () => {
    fc.assert(
      fc.property(texts.filter(fitsName), (name) => {
        expect(read(quoteIdentifier(name), '[', ']')).toEqual({ value: name, rest: '' });
      }),
    );
  });

  it('ends each literal where it should, and nowhere before', () => {
    const carried = texts.filter((text) => !text.includes('\0') && !/\\[\r\n]/.test(text));
    fc.assert(
      fc.property(carried, (text) => {
        expect(read(quoteLiteral(text), "N'", "'")).toEqual({ value: text, rest: '' });
      }),
    );
  });

  it('refuses what SQL Server would refuse, cut off or read otherwise', () => {
    for (const name of ['', 'a\0b', 'x'.repeat(129), '🔑'.repeat(65)]) {
      expect(fitsName(name)).toBe(false);
      expect(() => quoteIdentifier(name)).toThrow(RangeError);
    }
    expect(quoteIdentifier('🔑'.repeat(64))).toHaveLength(130);
    for (const value of ['a\0b', 'line\\\ncontinued', 'line\\\r\ncontinued'])
      expect(() => quoteLiteral(value)).toThrow(/no backslash before the end of a line/);
  });
});
