import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { randomRotators } from '../../../rotators/random/index.ts';
import { isKeyValueLines } from '../../../src/documents/env.ts';
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
  ])('are refused as plain text where only the function says that it is: %s', async (_what, value) => {
    const arn = await asText.createSecret(value, { 'keyturn:rotator': 'random/string' });
    expect(await asText.rotate(arn)).toMatch(/^MalformedSecret: .*reads as/);
    expect(await asText.text(arn)).toBe(value);
  });

  it.each([
    ['text', connectionString, /^(?!Server).{32}$/],
    ['text', lines, /^(?!#).{32}\n$/],
    [
      'ado-net',
      connectionString,
      /^Server=tcp:db,1433;Database=shop;User Id=app;Password=(?!old).*;Encrypt=True$/,
    ],
  ])('are replaced where the secret’s tag says how to read them: %s', async (form, value, after) => {
    const arn = await fixture.createSecret(value, {
      'keyturn:rotator': 'random/string',
      'keyturn:form': form,
    });
    expect(await fixture.rotate(arn)).toBeUndefined();
    expect(await fixture.text(arn)).toMatch(after);
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
