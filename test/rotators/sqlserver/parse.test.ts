import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sqlServer, sqlServerAlternatingUsers } from '../../../rotators/sqlserver/index.ts';

const rotator = sqlServer();
const login = { engine: 'sqlserver', host: 'db', username: 'app', password: 'p' };
const parse = (fields: object) => rotator.parse({ ...login, ...fields });

describe('the secret of a SQL Server', () => {
  it.each([
    ['db.example.com', {}, 'db.example.com', 1433, undefined],
    ['tcp:db.example.com', {}, 'db.example.com', 1433, undefined],
    ['TCP: db , 1500', {}, 'db', 1500, undefined],
    ['tcp:myserver.database.windows.net,1433', {}, 'myserver.database.windows.net', 1433, undefined],
    ['db\\SQLEXPRESS', {}, 'db', undefined, 'SQLEXPRESS'],
    ['db\\SQLEXPRESS,1501', {}, 'db', 1501, undefined],
    ['db\\SQLEXPRESS', { port: '1502' }, 'db', 1502, undefined],
    ['db\\MSSQLSERVER', {}, 'db', 1433, undefined],
    ['(local)', {}, 'localhost', 1433, undefined],
    ['.\\X', {}, 'localhost', undefined, 'X'],
    ['db,1433', { port: 1433 }, 'db', 1433, undefined],
    ['::1', {}, '::1', 1433, undefined],
    ['tcp:[::1],1434', {}, '::1', 1434, undefined],
  ])('reads the server %j beside %j', (host, more, name, port, instance) => {
    expect(parse({ host, ...more })).toMatchObject({ host: name, port, instance });
  });

  it.each([
    ['app@myserver', 'tcp:myserver.database.windows.net,1433', 'app'],
    ['app@MyServer', 'myserver.database.usgovcloudapi.net', 'app'],
    ['app@other', 'myserver.database.windows.net', 'app@other'],
    ['@myserver', 'myserver.database.windows.net', '@myserver'],
    ['app@db', 'db.example.com', 'app@db'],
  ])('takes %s at %s for the login %s', (username, host, account) => {
    expect(parse({ username, host }).username).toBe(account);
    const pair = sqlServerAlternatingUsers().parse({ ...login, username, host });
    expect(pair).toMatchObject({
      username: account,
      pair: { username: account, alternate: `${account}_clone` },
    });
  });

  it.each([
    ['np:\\\\.\\pipe\\sql', {}, 'host', /names the protocol np/],
    ['(localdb)\\v11', {}, 'host', /is no \[tcp:\]host/],
    ['db,port', {}, 'host', /has a port that is no number/],
    ['db,70000', {}, 'host', /has a port that is no number/],
    ['db\\', {}, 'host', /is no \[tcp:\]host/],
    ['a b', {}, 'host', /is no \[tcp:\]host/],
    ['db,1433', { port: 1434 }, 'port', /is another than the one in "host"/],
    ['db', { port: 0 }, 'port', /must be a whole number/],
    ['db', { engine: 'postgres' }, 'engine', /is not sqlserver/],
    ['db', { username: 'x'.repeat(129) }, 'username', /longer than 128/],
    ['db', { password: 'x'.repeat(129) }, 'password', /longer than 128/],
    ['db', { applicationintent: 'Sometimes' }, 'applicationintent', /neither ReadOnly nor ReadWrite/],
    ['db', { ssl: 'maybe' }, 'ssl', /must be true or false/],
  ])('refuses the server %j beside %j', (host, more, field, message) => {
    expect(() => parse({ host, ...more })).toThrow(message);
    expect(() => parse({ host, ...more })).toThrow(
      expect.objectContaining({ code: 'InvalidSecretField', field }),
    );
  });

  it.each([
    ['host', 'db\0.example.com'],
    ['host', 'db\n'.concat('x')],
    ['host', 'db;Encrypt=False'],
    ['host', 'db|evil.example.com'],
    ['host', 'user@evil.example.com'],
    ['host', 'evil.example.com/db'],
    ['host', "db'"],
    ['host', 'lpc:db'],
    ['host', 'admin:db'],
    ['host', '\\\\db\\pipe\\sql\\query'],
    ['host', 'x'.repeat(129)],
    ['host', 'db\\IN\0STANCE'],
    ['host', 'db\\INSTANCE;X'],
    ['host', `db\\${'X'.repeat(17)}`],
    ['failoverpartner', 'np:other'],
    ['failoverpartner', 'other;x'],
    ['failoverpartner', 'oth\0er'],
    ['sslservername', 'cert\0.example.com'],
    ['sslservername', 'cert example'],
    ['hostnameincertificate', 'cert\r\n'],
    ['dbname', 'shop\0'],
    ['dbname', 'shop\nGO'],
    ['dbname', 'x'.repeat(129)],
    ['dbname', 'shop '],
    ['username', 'app\0'],
    ['username', 'a\tb'],
    ['username', 'app\u2028'],
    ['username', 'sa '],
    ['username', 'DOMAIN\\app'],
    ['password', 'p\0'],
    ['password', 'p\\\nq'],
    ['applicationintent', 'ReadOnly\0'],
  ])('refuses a %s of %j, for the account and for its admin', (field, value) => {
    const refusal = expect.objectContaining({ code: 'InvalidSecretField', field });
    expect(() => parse({ [field]: value })).toThrow(refusal);
    // An admin's secret is read by the same function, with the database of the secret that it serves.
    expect(() => sqlServerAlternatingUsers().parse({ ...login, [field]: value })).toThrow(refusal);
  });

  it('refuses a named pair with a name that nobody can read', () => {
    const alternatingusers = ['app', 'sa\u0000'];
    expect(() => sqlServerAlternatingUsers().parse({ ...login, alternatingusers })).toThrow(
      expect.objectContaining({ code: 'InvalidSecretField', field: 'alternatingusers' }),
    );
  });

  it('generates no password that it could not read again', async () => {
    const context = (password: string) => ({
      signal: new AbortController().signal,
      note: () => undefined,
      requestToken: 't',
      owner: 'test',
      admin: async () => undefined,
      stored: async function* () {},
      password: () => password,
    });
    for (const made of [sqlServer(), sqlServerAlternatingUsers()]) {
      const generate = (length: number) =>
        made.generate(sqlServerAlternatingUsers().parse(login), context('x'.repeat(length)));
      await expect(generate(200)).rejects.toMatchObject({
        code: 'PasswordImpossible',
        field: 'PASSWORD_LENGTH',
      });
      expect(await generate(128)).toMatchObject({ password: 'x'.repeat(128) });
    }
  });

  it('takes the editions of RDS, and what is absent as AWS does', () => {
    for (const engine of ['sqlserver-ee', 'sqlserver-ex', 'custom-sqlserver-se', 'custom-sqlserver-new'])
      expect(parse({ engine })).toMatchObject({ database: 'master', port: 1433, ssl: undefined });
  });

  it('keeps the words of connection strings', () => {
    expect(
      parse({ applicationintent: 'ReadOnly', failoverpartner: 'tcp:other,1500', sslservername: 'cert' }),
    ).toMatchObject({
      readOnlyIntent: true,
      failoverPartner: { host: 'other', port: 1500, instance: undefined },
      serverName: 'cert',
    });
    expect(parse({ failoverpartner: '', hostnameincertificate: 'cert' })).toMatchObject({
      failoverPartner: undefined,
      serverName: 'cert',
    });
    expect(parse({ applicationintent: 'ReadWrite', trustservercertificate: true })).toMatchObject({
      readOnlyIntent: false,
    });
  });

  it('says what a credential opens: an instance belongs to the host, unless a port makes it idle', () => {
    expect(rotator.target(parse({ host: 'tcp:db\\X', dbname: 'd' }))).toEqual({
      host: 'db\\X',
      database: 'd',
      account: 'app',
    });
    expect(rotator.target(parse({ host: 'db\\X,9' }))).toMatchObject({ host: 'db', port: 9 });
    expect(rotator.target(parse({ failoverpartner: 'tcp:Other\\X,1500' }))).toMatchObject({
      endpoints: ['other,1500'],
    });
  });

  it('never shows a value', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[A-Z;,\\]{12,140}$/), (text) => {
        for (const fields of [{ host: text }, { host: `np:${text}` }, { password: text, port: text }]) {
          try {
            parse(fields);
          } catch (error) {
            expect(String(error)).not.toContain(text);
          }
        }
      }),
    );
  });

  it('leaves room for the clone', () => {
    const alternating = sqlServerAlternatingUsers();
    expect(() => alternating.parse({ ...login, username: 'x'.repeat(123) })).toThrow(
      /no name that can be followed/,
    );
    const { pair } = alternating.parse({ ...login, username: 'x'.repeat(122) });
    expect(pair.alternate).toHaveLength(128);
  });
});
