import { MSSQL_SCHEMA, parse as parseTedious } from '@tediousjs/connection-string';
import fc from 'fast-check';
import mssql from 'mssql';
import { parse as parsePg } from 'pg-connection-string';
import { describe, expect, it } from 'vitest';
import { scanJson } from '../../src/documents/json-scanner.ts';
import { adoNetKeywords, nameIn } from '../../src/documents/pair-keywords.ts';
import { adoNetSyntax, scanPairs } from '../../src/documents/pairs-scanner.ts';
import { readDocument } from '../../src/index.ts';
import { anyValue } from './examples.ts';

describe("Keyturn's scanners and the parsers of the field", () => {
  it('find the same values in JSON, and refuse the same', () => {
    fc.assert(
      fc.property(
        fc.json(),
        fc.nat(),
        fc.constantFrom('', ',', '"', '}', ' ', '\\'),
        (text, at, inserted) => {
          expect(scanJson(text).value).toEqual(JSON.parse(text));
          const index = at % (text.length + 1);
          const changed = text.slice(0, index) + inserted + text.slice(index);
          expect(attempt(() => scanJson(changed).value)).toEqual(attempt(() => JSON.parse(changed)));
        },
      ),
      { numRuns: 500 },
    );
  });

  const keyword = fc.stringMatching(/^[A-Za-z][A-Za-z ]{0,8}[A-Za-z]$/);
  const bareValue = fc.stringMatching(/^[^\s;"'{=][^;]{0,12}$/).filter((value) => !value.includes('\0'));
  const quotedValue = fc
    .tuple(fc.string(), fc.constantFrom('""', "''", '{}'))
    .map(([value, [open = '', close = '']]) => open + value.replaceAll(close, close + close) + close);
  const pairs = fc.array(fc.tuple(keyword, fc.constantFrom('=', ' = '), fc.oneof(bareValue, quotedValue)), {
    minLength: 1,
    maxLength: 6,
  });

  it('find the same values in ADO.NET strings', () => {
    fc.assert(
      fc.property(pairs, fc.constantFrom(';', ' ; '), (all, separator) => {
        const text = all.map((parts) => parts.join('')).join(separator);
        const found = [...scanPairs(text, adoNetSyntax)].map((pair): [string, string] => [
          pair.keyword.toLowerCase(),
          pair.value,
        ]);
        expect(new Map(found)).toEqual(new Map(parseTedious(text).entries()));
      }),
      { numRuns: 500 },
    );
  });

  it('know the same synonyms of keywords', () => {
    const fields = { 'data source': 'server', 'user id': 'username', password: 'password' };
    for (const [canonical, field] of Object.entries({ ...fields, 'initial catalog': 'dbname' })) {
      const aliases = Reflect.get(MSSQL_SCHEMA, canonical)?.aliases ?? [];
      expect([canonical, ...aliases].map((keyword) => nameIn(adoNetKeywords, keyword))).toEqual(
        Array.from({ length: aliases.length + 1 }, () => field),
      );
    }
  });

  it('find the same values in URLs', () => {
    fc.assert(
      fc.property(anyValue, anyValue, fc.webPath(), (user, password, path) => {
        const encoded = `${encodeURIComponent(user)}:${encodeURIComponent(password)}`;
        const text = `postgres://${encoded}@db.example.com:5432${path}`;
        const { fields } = readDocument(text);
        const url = new URL(text);
        expect([fields.username ?? '', fields.password]).toEqual([
          decodeURIComponent(url.username),
          decodeURIComponent(url.password),
        ]);
        expect([fields.host, fields.port]).toEqual([url.hostname, url.port]);
      }),
    );
  });
});

describe('the drivers that read what was written', () => {
  const written = fc.tuple(
    anyValue.filter((value) => value !== '' && !value.includes('\\')),
    anyValue,
  );

  it('mssql reads an ADO.NET string', () => {
    const text = 'Server=tcp:db.example.com,1433;Database=shop;User Id=app;Password=x;Encrypt=true';
    fc.assert(
      fc.property(written, ([username, password]) => {
        const config = mssql.ConnectionPool.parseConnectionString(
          readDocument(text).write({ username, password }),
        );
        expect(config).toMatchObject({
          user: username,
          password,
          server: 'db.example.com',
          database: 'shop',
        });
      }),
    );
  });

  it.each([
    'postgres://app:x@db.example.com:5432/shop',
    'postgres://db.example.com:5432/shop?user=app&password=x',
    'postgres://app@db.example.com:5432/shop',
  ])('pg reads %s', (text) => {
    fc.assert(
      fc.property(written, ([user, password]) => {
        // pg takes an empty password for none.
        fc.pre(password !== '');
        const config = parsePg(readDocument(text).write({ username: user, password }));
        expect(config).toMatchObject({
          user,
          password,
          host: 'db.example.com',
          port: '5432',
          database: 'shop',
        });
      }),
    );
  });
});

function attempt<T>(read: () => T): T | 'refused' {
  try {
    return read();
  } catch {
    return 'refused';
  }
}
