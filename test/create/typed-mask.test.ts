import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { composeFields, kindNamed } from '../../src/create/kinds.ts';
import { maskTyped } from '../../src/create/typed-mask.ts';
import { isKeyturnError } from '../../src/errors.ts';
import { formsOfFields } from '../../src/render/form-names.ts';

const typedPassword = 'S3cret-Pa55';

describe('a secret while it is typed', () => {
  it.each([
    `Server=tcp:db,1433;Initial Catalog=shop;User ID=app;Password=${typedPassword};Encrypt=True`,
    `Server=db;User Id=app;Pwd="${typedPassword};x""y";Encrypt=True`,
    `Driver={ODBC Driver 18};Server=db;UID=app;PWD={${typedPassword}};Encrypt=yes`,
    `postgres://app:${typedPassword}@db:5432/shop?sslmode=require`,
    `postgres://app:${typedPassword}@x:y/z@db:5432/shop`,
    `jdbc:sqlserver://db:1433;user=app;password={${typedPassword}};encrypt=true`,
    `jdbc:postgresql://db/shop?user=app&password=${typedPassword}&ssl=true`,
    `host=db user=app password='${typedPassword}' dbname=shop`,
    `Endpoint=sb://x/;SharedAccessKeyName=root;SharedAccessKey=${typedPassword};Server=db`,
    `{"engine": "postgres", "username": "app", "password": "${typedPassword}", "host": "db"}`,
    `{"db": {"credentials": ["${typedPassword}"]}, "url": "postgres://app:${typedPassword}@db/shop"}`,
    `{"password": "a,${typedPassword}`,
    `{"host": "db", "password": "${typedPassword}`,
    typedPassword,
  ])('%s: the password is dots, also as far as it is typed', (text) => {
    for (let length = 1; length <= text.length; length += 1) {
      const typed = text.slice(0, length);
      const masked = maskTyped(typed);
      expect(masked.length).toBe(typed.length);
      // A part of the password that is long enough.
      for (let from = 0; from + 4 <= typedPassword.length; from += 1)
        expect(masked).not.toContain(typedPassword.slice(from, from + 4));
    }
  });

  it.each([
    [
      'Server=tcp:db,1433;User ID=app;Password=geheim;Encrypt=True',
      'Server=tcp:db,1433;User ID=app;Password=••••••;Encrypt=True',
    ],
    ['postgres://app:geheim@db:5432/shop', 'postgres://app:••••••@db:5432/shop'],
    ['postgres://db:5432/shop', 'postgres://db:5432/shop'],
    ['{"host":"db","password":"geheim"}', '{"host":"db","password":••••••••}'],
  ])('%s: what is no credential can be read', (text, masked) => {
    expect(maskTyped(text)).toBe(masked);
  });

  it('shows nothing of a text of no known form but its lines', () => {
    expect(maskTyped('a token\nof two lines')).toBe('•••••••\n••••••••••••');
  });

  it('never shows a password, whatever is in it, in any form', () => {
    const kind = kindNamed('postgres');
    if (kind === undefined) throw new Error('There is no such kind.');
    const password = fc
      .string({ unit: 'grapheme-ascii', minLength: 6, maxLength: 20 })
      .filter((text) => text.trim().length > 5);
    fc.assert(
      fc.property(password, fc.constantFrom(...formsOfFields), (value, form) => {
        const fields = new Map([
          ['username', 'u'],
          ['password', value],
          ['host', 'h'],
          ['dbname', 'd'],
        ]);
        const text = composed(kind, fields, form);
        if (text === undefined) return;
        const masked = maskTyped(text);
        expect(masked.length).toBe(text.length);
        expect(masked).not.toContain(value);
        expect(masked).not.toContain(encodeURIComponent(value));
      }),
      { numRuns: 400 },
    );
  });

  it('takes any text', () => {
    for (const deep of ['['.repeat(60_000), `${'{"a":'.repeat(9_000)}1${'}'.repeat(9_000)}`])
      expect(maskTyped(deep)).toBe('•'.repeat(deep.length));
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => {
        expect(maskTyped(text).length).toBe(text.length);
      }),
    );
  });
});

/** Undefined if the form can't hold the password. */
function composed(...parts: Parameters<typeof composeFields>): string | undefined {
  try {
    return composeFields(...parts);
  } catch (error) {
    if (isKeyturnError(error)) return undefined;
    throw error;
  }
}
