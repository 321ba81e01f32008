import fc from 'fast-check';
import mssql from 'mssql';
import { parse as parsePostgresUrl } from 'pg-connection-string';
import { describe, expect, it } from 'vitest';
import { readDocument } from '../../src/documents/document.ts';
import { isKeyturnError } from '../../src/errors.ts';
import { type FormOfFields, formsOfFields } from '../../src/render/form-names.ts';
import { toForm } from '../../src/render/forms.ts';

const make = (fields: object, form: FormOfFields): string => {
  const text = JSON.stringify(fields);
  return toForm(text, readDocument(text), form);
};
const fields = { host: 'db.example', port: 1234, username: 'app', password: 'pass', dbname: 'shop' };

describe('a form that is made out of fields', () => {
  it.each<[string, FormOfFields, object, string]>([
    ['postgres', 'url', { ssl: true }, 'postgresql://app:pass@db.example:1234/shop?sslmode=verify-full'],
    [
      'postgres',
      'jdbc',
      { ssl: false },
      'jdbc:postgresql://db.example:1234/shop?sslmode=disable&user=app&password=pass',
    ],
    ['aurora-postgresql', 'libpq', {}, 'host=db.example port=1234 dbname=shop user=app password=pass'],
    [
      'postgres',
      'ado-net',
      { ssl: true },
      'Host=db.example;Port=1234;SSL Mode=VerifyFull;Database=shop;User Id=app;Password=pass',
    ],
    [
      'postgres',
      'odbc',
      {},
      'Driver={PostgreSQL Unicode};Server=db.example;Port=1234;Database=shop;UID=app;PWD=pass',
    ],
    [
      'sqlserver',
      'ado-net',
      { ssl: true },
      'Server=tcp:db.example,1234;Encrypt=True;Database=shop;User Id=app;Password=pass',
    ],
    [
      'sqlserver-ee',
      'odbc',
      { ssl: false },
      'Driver={ODBC Driver 18 for SQL Server};Server=tcp:db.example,1234;Encrypt=no;Database=shop;UID=app;PWD=pass',
    ],
    ['sqlserver', 'jdbc', {}, 'jdbc:sqlserver://db.example:1234;databaseName=shop;user=app;password=pass'],
    ['sqlserver', 'url', { ssl: true }, 'sqlserver://app:pass@db.example:1234?database=shop&encrypt=true'],
    [
      'sqlserver',
      'ado-net',
      { host: 'db\\inst', port: undefined },
      'Server=tcp:db\\inst;Database=shop;User Id=app;Password=pass',
    ],
    ['mysql', 'url', { ssl: true }, 'mysql://app:pass@db.example:1234/shop?ssl-mode=VERIFY_IDENTITY'],
    ['mariadb', 'jdbc', {}, 'jdbc:mariadb://db.example:1234/shop?user=app&password=pass'],
    ['mongo', 'url', { ssl: true }, 'mongodb://app:pass@db.example:1234/shop?tls=true'],
    ['redis', 'url', { ssl: true, dbname: '0' }, 'rediss://app:pass@db.example:1234/0'],
    ['rabbitmq', 'url', {}, 'amqp://app:pass@db.example:1234/shop'],
    ['postgres', 'url', { host: '::1', dbname: undefined }, 'postgresql://app:pass@[::1]:1234'],
  ])('for %s as %s with %j', (engine, form, more, expected) => {
    expect(make({ engine, ...fields, ...more }, form)).toBe(expected);
  });

  it('is the secret itself where it has the form', () => {
    const text = 'server = tcp:db ;User ID=a;PWD="b;c";;';
    expect(toForm(text, readDocument(text), 'ado-net')).toBe(text);
    expect(JSON.parse(toForm(text, readDocument(text), 'json'))).toMatchObject({
      host: 'db',
      password: 'b;c',
    });
  });

  it.each<[FormOfFields, object, string]>([
    ['url', { password: undefined }, 'password'],
    ['url', { username: '' }, 'username'],
    ['url', { host: 'db/x?y=' }, 'host'],
    ['ado-net', { host: 'db;User Id=sa' }, 'host'],
    ['jdbc', { host: 'db;encrypt=false' }, 'host'],
    ['libpq', { host: "db' sslmode=disable" }, 'host'],
    ['odbc', { host: 'db\\i;Trusted_Connection=yes' }, 'host'],
    ['url', { port: '1?x' }, 'port'],
    ['url', { engine: 'oracle' }, 'engine'],
    ['libpq', { engine: 'mysql' }, 'engine'],
    ['url', { ssl: 'maybe' }, 'ssl'],
    ['url', { host: { a: 1 } }, 'host'],
    ['ado-net', { password: 'a\0b' }, 'password'],
  ])('as %s of %j names the field that is wrong', (form, more, field) => {
    expect(() => make({ engine: 'sqlserver', ...fields, ...more }, form)).toThrow(
      expect.objectContaining({ code: 'InvalidSecretField', field }),
    );
  });

  const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 });
  const engines = ['postgres', 'sqlserver', 'mysql', 'mariadb', 'mongo', 'redis', 'redshift', 'rabbitmq'];

  it('says what the fields say, to its own reader, or is refused', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...engines),
        fc.constantFrom(...formsOfFields),
        fc.record({ username: text, password: text, dbname: fc.option(text, { nil: undefined }) }),
        (engine, form, credential) => {
          const wanted = { engine, host: 'db', port: 1, ...credential };
          let made: string;
          try {
            made = make(wanted, form);
          } catch (error) {
            if (isKeyturnError(error, 'InvalidSecretField')) return;
            throw error;
          }
          const { engine: _, ...read } = readDocument(made, { form }).fields;
          const { username, password, dbname } = wanted;
          expect(read).toMatchObject({ host: 'db', username, password });
          expect(read.dbname).toBe(dbname);
          expect(String(read.port)).toBe('1');
          // No part of a name or a password has become a keyword.
          const others = Object.keys(read).filter((field) => !Object.hasOwn(wanted, field));
          expect(others.filter((field) => field !== 'driver' && field !== 'ssl')).toEqual([]);
        },
      ),
    );
  });

  it("is read by applications' own parsers", () => {
    const credential = { username: 'a p@p:/?#[]', password: `p;"w'd %{}=\\&+` };
    const url = make({ engine: 'postgres', ...fields, ...credential }, 'url');
    expect(parsePostgresUrl(url)).toMatchObject({
      user: credential.username,
      password: credential.password,
      host: 'db.example',
      port: '1234',
      database: 'shop',
    });
    const adoNet = make({ engine: 'sqlserver', ...fields, ...credential }, 'ado-net');
    const { server, port, user, password, database } = mssql.ConnectionPool.parseConnectionString(adoNet);
    expect({ server, port, user, password, database }).toEqual({
      server: 'db.example',
      port: 1234,
      user: credential.username,
      password: credential.password,
      database: 'shop',
    });
  });
});
