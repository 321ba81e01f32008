import { describe, expect, it } from 'vitest';
import { readDocument } from '../../src/index.ts';
import { passwordFor } from '../../src/rotation/new-password.ts';

const adoNet = readDocument('Server=db;User Id=app;Password=x');
const odbc = readDocument('Driver=FreeTDS;Server=db;UID=app;PWD=x');
const url = readDocument('postgres://app:x@db/shop');
const aws = readDocument('{"username":"app","password":"x"}');
const many = (make: () => string): string[] => Array.from({ length: 200 }, make);

describe('a new password', () => {
  it.each([
    ['ADO.NET', adoNet, /^[A-Za-z0-9\-._~]+$/],
    ['ODBC', odbc, /^[A-Za-z0-9\-._~]+$/],
    ['a URL', url, /^[A-Za-z0-9\-._~]+$/],
    ['KEY=value lines', readDocument('DB_USER=app\nDB_PASSWORD=x\n'), /^[A-Za-z0-9\-._]+$/],
    [
      'JSON with a string in it',
      readDocument('{"cs":"Server=db;User Id=app;Password=x"}'),
      /^[A-Za-z0-9\-._~]+$/,
    ],
    ['JSON', aws, /^[^"\\]+$/],
  ])('needs no quotes in %s, has every class, and is as hard to guess', (_form, document, alphabet) => {
    for (const policy of [{}, { excludeCharacters: '' }]) {
      for (const password of many(() => passwordFor(document, {}, policy))) {
        expect(password).toMatch(alphabet);
        for (const one of [/[a-z]/, /[A-Z]/, /\d/, /[^A-Za-z0-9]/]) expect(password).toMatch(one);
        const letters = document === aws ? 89 : 65;
        expect(password.length * Math.log2(letters)).toBeGreaterThanOrEqual(32 * Math.log2(89));
        expect(document.misreadBy(password)).toEqual([]);
      }
    }
  });

  it('has the length that somebody has set', () => {
    expect(passwordFor(adoNet, {}, { length: 20 })).toHaveLength(20);
    expect(passwordFor(adoNet, { length: 24 })).toHaveLength(24);
    expect(passwordFor(aws)).toHaveLength(32);
    expect(passwordFor(adoNet)).toHaveLength(35);
  });

  it('has no class that the policy excludes', () => {
    expect(passwordFor(adoNet, {}, { excludePunctuation: true })).toMatch(/^[A-Za-z0-9]+$/);
  });

  it.each([
    ['ADO.NET', adoNet, 'go-mssqldb'],
    ['ODBC', odbc, 'FreeTDS'],
    ['a URL', url, 'do not decode'],
    ['JSON with a string in it', readDocument('{"cs":"Server=db;User Id=app;Password=x"}'), 'go-mssqldb'],
  ])(
    'has characters that readers of %s get wrong where the policy leaves no others, and they are named',
    (_form, document, reader) => {
      // What is left of the punctuation needs quotes, braces or codes.
      const policy = { excludeCharacters: '-._~/@"\'\\!#$%&*+,:<>?^`|()[]' };
      const password = passwordFor(document, {}, policy);
      expect(password).toMatch(/[;={}]/);
      expect(document.misreadBy(password).join()).toContain(reader);
      expect(readDocument(document.write({ password }), { form: document.form }).fields.password).toBe(
        password,
      );
    },
  );
});
