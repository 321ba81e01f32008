import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { postgres, postgresAlternatingUsers } from '../../../rotators/postgres/index.ts';
import { readDocument, type SecretFields } from '../../../src/index.ts';

const rotators = [postgres(), postgresAlternatingUsers()];
const fields = { engine: 'postgres', host: 'db.example.com', dbname: 'shop', username: 'app', password: 'p' };

/** The wrong field; undefined if all fields are accepted. */
function refused(changed: SecretFields): string[] {
  return rotators.map((rotator) => {
    try {
      rotator.parse({ ...fields, ...changed });
      return 'taken';
    } catch (error) {
      expect(error).toMatchObject({ code: 'InvalidSecretField' });
      return String(Reflect.get(Object(error), 'field'));
    }
  });
}

describe('a Postgres secret', () => {
  it('holds no control character in a field that names something', () => {
    const names = fc.constantFrom('host', 'dbname', 'username', 'sslservername');
    const control = fc.constantFrom(
      ...[0, 1, 9, 10, 13, 27, 31, 127, 133, 159].map((code) => String.fromCharCode(code)),
    );
    fc.assert(
      fc.property(
        names,
        fc.string({ maxLength: 8 }),
        control,
        fc.string({ maxLength: 8 }),
        (field, before, one, after) => {
          expect(refused({ [field]: `a${before}${one}${after}` })).toEqual([field, field]);
        },
      ),
    );
  });

  it.each([
    ['host', '/var/run/postgresql'],
    ['host', '@abstract'],
    ['host', 'db.example.com/other'],
    ['host', 'user@db'],
    ['host', 'a b'],
    ['host', '\ud800'],
    ['sslservername', 'a\0b'],
    ['dbname', 'shop\0options\0-c session_preload_libraries=x'],
    ['dbname', 'd'.repeat(64)],
    ['username', 'app\0replication\0true'],
    ['username', 'u'.repeat(64)],
    ['password', 'p\0q'],
    ['password', '\udc00'],
    ['port', 65_536],
    ['port', '5432 host=elsewhere'],
  ])('has no %s of %j', (field, value) => {
    expect(refused({ [field]: value })).toEqual([field, field]);
  });

  it.each([
    ['host', 'fe80::1%eth0'],
    ['host', '10.0.0.1'],
    ['dbname', 'host=elsewhere user=admin'],
    ['dbname', 'postgres://elsewhere/db'],
    ['username', `it's "quoted" \\ %00`],
    ['password', 'tab\tand\nline'],
  ])('may have a %s of %j, which is taken by the letter', (field, value) => {
    expect(refused({ [field]: value })).toEqual(['taken', 'taken']);
  });

  it('has no control character that a URL has encoded', () => {
    const url = 'postgresql://app:p@db.example.com/shop%00options%00-c%20role=x';
    for (const rotator of rotators) {
      expect(() => rotator.parse(readDocument(url).fields)).toThrow(/"dbname" .*control character/);
    }
  });

  it('has no control character in a name of a pair', () => {
    expect(() => rotators[1]?.parse({ ...fields, alternatingusers: ['app', 'x\0y'] })).toThrow(
      /"alternatingusers" has a name that the server does not take/,
    );
  });
});
