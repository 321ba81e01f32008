import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readDocument } from '../../src/documents/document.ts';
import { optionalPair, optionalPort, optionalSsl, requireText } from '../../src/index.ts';

describe('readDocument', () => {
  it('changes the given fields and keeps the others, known or not', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.string(), (fields, password) => {
        const written: unknown = JSON.parse(readDocument(JSON.stringify(fields)).write({ password }));
        expect(written).toEqual(JSON.parse(JSON.stringify({ ...fields, password })));
      }),
    );
  });

  it('refuses what is no JSON object, without quoting it', () => {
    for (const text of ['hunter2', '"hunter2"', '["hunter2"]', 'null', '7', '{"password":"hunter2"', '']) {
      let message = '';
      try {
        readDocument(text);
      } catch (error) {
        expect(error).toMatchObject({ code: 'MalformedSecret' });
        message = String(error);
      }
      expect(message).toMatch(/no object|ends too early|neither a JSON object nor|does not end/);
      expect(message).not.toContain('hunter2');
    }
  });
});

describe('fields', () => {
  it.each([
    ['missing', {}, /"host" is missing/],
    ['of a wrong type', { host: 5 }, /"host" must be a string/],
    ['empty', { host: '' }, /"host" must not be empty/],
  ])('names a text that is %s', (_, fields, message) => {
    expect(() => requireText(fields, 'host')).toThrow(message);
  });

  it('reads ports as numbers and as text, in their range', () => {
    fc.assert(
      fc.property(fc.integer({ min: -5, max: 70_000 }), (port) => {
        for (const written of [port, String(port)]) {
          const read = () => optionalPort({ port: written }, 'port', 1);
          if (port >= 1 && port <= 65_535) expect(read()).toBe(port);
          else expect(read).toThrow(/whole number from 1 to 65535/);
        }
      }),
    );
    expect(optionalPort({}, 'port', 5432)).toBe(5432);
    // As a form or a template leaves it
    expect(optionalPort({ port: '' }, 'port', 5432)).toBe(5432);
    for (const port of ['54 32', '5432a', 1.5, ' ', true, '0x10']) {
      expect(() => optionalPort({ port }, 'port', 1)).toThrow(/"port"/);
    }
  });

  it('reads ssl as AWS does, strictly', () => {
    expect(
      [true, 'true', 'TRUE', false, 'False', undefined, null].map((ssl) => optionalSsl({ ssl })),
    ).toEqual([true, true, true, false, false, undefined, undefined]);
    for (const ssl of ['yes', 1, '', ' true'])
      expect(() => optionalSsl({ ssl })).toThrow(/must be true or false/);
  });

  it('reads a pair of two different names only', () => {
    expect(optionalPair({ pair: ['a', 'b'] }, 'pair')).toEqual(['a', 'b']);
    for (const pair of [['a'], ['a', 'a'], ['a', ''], ['a', 'b', 'c'], 'a,b', { 0: 'a', 1: 'b' }]) {
      expect(() => optionalPair({ pair }, 'pair')).toThrow(/two different names/);
    }
  });
});
