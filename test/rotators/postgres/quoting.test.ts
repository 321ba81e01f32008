import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fitsName, quoteIdentifier, quoteLiteral } from '../../../rotators/postgres/quoting.ts';
import { asAdmin, hostileTexts } from '../../support/postgres-fixtures.ts';

const texts = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom(...hostileTexts), fc.string());
const storable = texts.filter((text) => !text.includes('\0') && text.isWellFormed());

describe('quoting for Postgres', () => {
  it('has the server read back every literal as it was, under both settings of its strings', async () => {
    await asAdmin(async (client) => {
      for (const conforming of ['on', 'off']) {
        await client.query(`SET standard_conforming_strings = ${conforming}`);
        await fc.assert(
          fc.asyncProperty(storable, async (text) => {
            const { rows } = await client.query(`SELECT ${quoteLiteral(text)} AS text`);
            expect(rows).toEqual([{ text }]);
          }),
          { numRuns: 150 },
        );
      }
    });
  });

  it('has the server read back every identifier as it was', async () => {
    await asAdmin(async (client) => {
      await fc.assert(
        fc.asyncProperty(storable.filter(fitsName), async (name) => {
          const { fields } = await client.query(`SELECT 1 AS ${quoteIdentifier(name)}`);
          expect(fields.map((field) => field.name)).toEqual([name]);
        }),
        { numRuns: 150 },
      );
    });
  });

  it('refuses what Postgres would cut off or can not hold', () => {
    for (const name of ['', 'a\0b', 'x'.repeat(64), 'é'.repeat(32)]) {
      expect(fitsName(name)).toBe(false);
      expect(() => quoteIdentifier(name)).toThrow(RangeError);
    }
    expect(quoteIdentifier('x'.repeat(63))).toHaveLength(65);
    expect(() => quoteLiteral('a\0b')).toThrow(RangeError);
  });
});
