import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { randomRotators } from '../../../rotators/random/index.ts';
import { isKeyValueLines } from '../../../src/documents/lines-scanner.ts';
import { connectionStringForm } from '../../../src/documents/recognise.ts';
import { type RotationFixture, startFixture } from '../../support/rotation-fixture.ts';

const connectionString = 'Server=tcp:db,1433;Database=shop;User Id=app;Password=old-password;Encrypt=True';
const lines = '# the shop\nDB_HOST=db\nDB_PASSWORD=old-password\n';

describe('values that would be lost', () => {
  let fixture: RotationFixture;
  let asText: RotationFixture;
  beforeAll(async () => {
    fixture = await startFixture({ rotators: randomRotators() });
    asText = await startFixture({ rotators: randomRotators(), configuration: { form: 'text' } });
  });
  afterAll(async () => {
    await fixture.close();
    await asText.close();
  });

  it.each([
    ['a connection string', 'random/string', connectionString],
    ['a URL', 'random/hex', 'postgres://app:old-password@db/shop'],
    ['a connection string in JSON', 'random/string', { Db: { Url: 'postgres://app:old-password@db/shop' } }],
    ['a connection string as the password', 'random/base64', { password: connectionString }],
    ['KEY=value lines as the password', 'random/string', { password: lines }],
    ['KEY=value lines', 'random/string', lines],
    ['lines of a URL', 'random/string', 'export DATABASE_URL=postgres://app:old-password@db/shop\nX=y\n'],
    ['an address of a driver of Go', 'random/string', { password: 'app:old-password@tcp(db:3306)/shop' }],
  ])('are refused by random/...: %s', async (_what, rotator, value) => {
    const arn = await fixture.createSecret(value, { 'keyturn:rotator': rotator });
    const before = await fixture.text(arn);
    const error = await fixture.rotate(arn);
    expect(error).toMatch(/^MalformedSecret: .*reads as (?:a connection string|KEY=value lines)/);
    expect(error).not.toContain('old-password');
    expect(await fixture.text(arn)).toBe(before);
  });

  it.each([
    ['a connection string', connectionString],
    ['KEY=value lines', lines],
    ['one line of settings', 'DB_PASSWORD=old-password'],
    ['JSON', '{"username":"app","password":"old-password"}'],
    ['several lines', '-----BEGIN KEY-----\nold-password\n-----END KEY-----'],
  ])('are refused as plain text where only the function says that it is: %s', async (_what, value) => {
    const arn = await asText.createSecret(value, { 'keyturn:rotator': 'random/string' });
    expect(await asText.rotate(arn)).toMatch(/^MalformedSecret: .*reads as/);
    expect(await asText.text(arn)).toBe(value);
  });

  const json = '{"username":"app","password":"old-password"}';
  const pem = '-----BEGIN PRIVATE KEY-----\nold-password\n-----END PRIVATE KEY-----\n';
  const azure = 'DefaultEndpointsProtocol=https;AccountName=shop;AccountKey=old-password==;EndpointSuffix=x';
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  it.each([
    ["Azure's storage", azure],
    ["Azure's bus", 'Endpoint=sb://shop.example/;SharedAccessKeyName=app;SharedAccessKey=old-password='],
    ["Oracle's descriptor", 'app/old-password@(DESCRIPTION=(ADDRESS=(HOST=db)(PORT=1521)))'],
    ["Go's MySQL driver without an address", 'app:old-password@/shop'],
    ["Snowflake's driver", 'app:old-password@account/shop/schema?warehouse=w'],
    ['.pgpass', 'db.example.com:5432:shop:app:old-password'],
    ['.netrc', 'machine db login app password old-password'],
    ['a URL in quotes', '"postgres://app:old-password@db/shop"'],
    ['a URL, encoded', encodeURIComponent('postgres://app:old-password@db/shop')],
    ['a URL in Base64', base64('postgres://app:old-password@db/shop')],
    ['JSON in Base64', base64(json)],
    ['JSON in base64url', Buffer.from(json).toString('base64url')],
    ['JSON in hexadecimals', Buffer.from(json).toString('hex')],
    ['JSON in a string of JSON', JSON.stringify(json)],
    ['JSON, cut off', json.slice(0, -1)],
    ["Python's dict", "{'username': 'app', 'password': 'old-password'}"],
    ['JSON with comments', `// the shop\n${json}`],
    ['YAML of one line', 'password: old-password'],
    ['YAML', 'user: app\npassword: old-password\n'],
    ['a list of YAML', '- app\n- old-password'],
    ['a property', 'db.password=old-password'],
    ['a setting in small letters', 'db_password=old-password'],
    ['a setting below a comment', '# the shop\nA=old-password'],
    ['a setting with spaces', 'A = old-password'],
    ['a setting of PowerShell', '$env:A="old-password"'],
    ['XML', '<add connectionString="Server=db;Password=old-password" />'],
    ['PEM', pem],
    ['PEM in one line', pem.replaceAll('\n', '\\n')],
    ['PEM in Base64', base64(pem)],
    ['a key of SSH', 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ app@db'],
    ['a JSON Web Token', `${base64('{"alg":"HS256"}').replace(/=+$/, '')}.e30.old-password`],
    ['an HTTP header', 'Authorization: Basic b2xkLXBhc3N3b3Jk'],
    ['JAAS', 'org.example.PlainLoginModule required username="app" password="old-password";'],
  ])('are refused by random/... as what others have written: %s', async (_what, value) => {
    for (const rotator of ['random/string', 'random/base64']) {
      const arn = await fixture.createSecret({ password: value }, { 'keyturn:rotator': rotator });
      expect(await fixture.rotate(arn)).toMatch(/^MalformedSecret: .*reads as/);
      expect((await fixture.read(arn)).password).toBe(value);
      const told = { 'keyturn:rotator': rotator, 'keyturn:form': 'json' };
      expect(await fixture.rotate(await fixture.createSecret({ password: value }, told))).toBeUndefined();
    }
  });

  it.each([
    '{abc}',
    '[x7;Kq]',
    '"quoted"',
    'Old!Password1',
    'K7=mQ2xv',
    'ab;cd=ef',
    'a:b',
    '<placeholder>',
    'p@ssw0rd/1:2',
    'correct horse battery staple',
    'q83vEjRWeJq83vEjRWeJq83vEjRWeJq83vEjRWeJq80=',
    '0123456789abcdef0123456789abcdef',
    '6f1c0f0e-7a94-4c7a-9d58-43e2f41ef2b0',
  ])('are not what passwords look like: %s', async (value) => {
    const arn = await fixture.createSecret({ password: value }, { 'keyturn:rotator': 'random/string' });
    expect(await fixture.rotate(arn)).toBeUndefined();
  });

  it('are never made by chance: the next rotation would refuse them', async () => {
    const made = ['DB_PASSWORD=x', '{"a":1}', 'o://x', 'Kq7-mT2.vR9_xW4'];
    const [random] = randomRotators();
    if (random?.kind !== 'changes') throw new Error('random/string has another kind.');
    const generate = async () => ({ password: made.shift() });
    const byChance = await startFixture({ rotators: [{ ...random, generate }] });
    onTestFinished(() => byChance.close());
    const arn = await byChance.createSecret({ password: 'old' }, { 'keyturn:rotator': 'random/string' });
    expect(await byChance.rotate(arn)).toBeUndefined();
    expect((await byChance.read(arn)).password).toBe('Kq7-mT2.vR9_xW4');
  });

  it.each([
    ['text', connectionString, /^(?!Server).{32}$/],
    ['text', lines, /^(?!#).{32}\n$/],
    [
      'ado-net',
      connectionString,
      /^Server=tcp:db,1433;Database=shop;User Id=app;Password=(?!old).*;Encrypt=True$/,
    ],
    ['env', lines, /^# the shop\nDB_HOST=db\nDB_PASSWORD=(?!old)[\w.-]{35}\n$/],
  ])('are replaced where the secret’s tag says how to read them: %s', async (form, value, after) => {
    const arn = await fixture.createSecret(value, {
      'keyturn:rotator': 'random/string',
      'keyturn:form': form,
    });
    expect(await fixture.rotate(arn)).toBeUndefined();
    expect(await fixture.text(arn)).toMatch(after);
  });

  it('are refused where the old value would stay in another place, before anything is stored', async () => {
    const value = { password: 'Kq7-mT2.vR9_xW4', note: 'was Kq7-mT2.vR9_xW4' };
    const arn = await fixture.createSecret(value, { 'keyturn:rotator': 'random/string' });
    const error = await fixture.rotate(arn);
    expect(error).toMatch(/^CredentialCopied: .*also in "note"/);
    expect(error).not.toContain(value.password);
    expect(JSON.parse(await fixture.text(arn))).toEqual(value);
    const left = await fixture.createSecret(value, {
      'keyturn:rotator': 'random/string',
      'keyturn:leave': 'note',
    });
    expect(await fixture.rotate(left)).toBeUndefined();
    expect(await fixture.read(left)).toMatchObject({ note: value.note });
  });

  it.each([
    'AAECAw==',
    'Zm9vYmFyYmF6cXV4Cg==',
    'abc=',
    'KEY=value',
    '9C]XE6rxVu?0)n=|voynk=,<2Z4kP5_#',
    '-----BEGIN KEY-----\nAAECAw==\n-----END KEY-----',
  ])('are not what a generated password, Base64 or a key looks like: %s', (text) => {
    expect([isKeyValueLines(text), connectionStringForm(text)]).toEqual([false, undefined]);
  });
});

describe('a policy that leaves only characters that need quotes', () => {
  it('is told by the preflight, with the readers that would get them wrong', async () => {
    const excludeCharacters = '-._~/@"\'\\!#$%&*+,:<>?^`|()[]';
    const fixture = await startFixture({
      rotators: randomRotators(),
      configuration: { password: { excludeCharacters } },
    });
    try {
      const tags = { 'keyturn:rotator': 'random/string', 'keyturn:form': 'ado-net' };
      const arn = await fixture.createSecret(connectionString, tags);
      await fixture.rotate(arn, { immediately: false });
      expect(fixture.recorded.notes.join('\n')).toMatch(
        /new credential: ok: can be made, but .*go-mssqldb up to 1\.9\.2/,
      );
      expect(await fixture.text(arn)).toBe(connectionString);
    } finally {
      await fixture.close();
    }
  });
});
