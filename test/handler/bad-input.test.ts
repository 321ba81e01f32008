import { CancelRotateSecretCommand, CreateSecretCommand } from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { postgres } from '../../rotators/postgres/index.ts';
import { contradictoryField, createRotationHandler, isKeyturnError } from '../../src/index.ts';
import { closedPort } from '../support/closed-port.ts';
import {
  canLogIn,
  createLogin,
  loginOf,
  secretOf,
  sharedOptions,
  type TestLogin,
  uniqueName,
} from '../support/postgres-fixtures.ts';
import { startPostgres } from '../support/postgres-server.ts';
import { type RotationFixture, startFixture } from '../support/rotation-fixture.ts';

const secretPassword = 'do-not-show-this-1';

describe('bad input', () => {
  let fixture: RotationFixture;
  let login: TestLogin;
  beforeAll(async () => {
    fixture = await startFixture();
    login = await createLogin('app', secretPassword);
  });
  afterAll(() => fixture.close());

  /** The error of a rotation. Expects that nothing has changed and nothing was shown. */
  async function failureOf(value: unknown, tags?: Record<string, string>): Promise<string> {
    const arn = await fixture.createSecret(value, tags);
    const failure = (await fixture.rotate(arn)) ?? 'success';
    expect(failure).not.toContain(secretPassword);
    const stages = await fixture.labels(arn);
    expect(Object.values(stages).filter((labels) => labels.includes('AWSCURRENT'))).toHaveLength(1);
    expect(await canLogIn(login)).toBe(true);
    return failure;
  }

  it.each([
    ['plain text', `my ${secretPassword}`, /^MalformedSecret: .*engine, host, username and password/],
    ['a JSON list', JSON.stringify([secretPassword]), /^MalformedSecret/],
    ['JSON that is cut off', `{"password":"${secretPassword}`, /^MalformedSecret/],
  ])('names a secret that is %s', async (_, value, message) => {
    expect(await failureOf(value, { 'keyturn:rotator': 'postgres' })).toMatch(message);
  });

  it.each([
    ['host', undefined, /^InvalidSecretField: The secret's "host" is missing/],
    ['username', 7, /^InvalidSecretField: The secret's "username" must be a string/],
    ['username', '', /^InvalidSecretField: The secret's "username" must not be empty/],
    ['username', 'x'.repeat(64), /^InvalidSecretField: The secret's "username" is longer than 63 bytes/],
    ['password', null, /^InvalidSecretField: The secret's "password" is missing/],
    ['port', 'many', /^InvalidSecretField: The secret's "port" must be a whole number/],
    ['ssl', 'maybe', /^InvalidSecretField: The secret's "ssl" must be true or false/],
    ['dbname', {}, /^InvalidSecretField: The secret's "dbname" must be a string/],
    ['engine', 'cassandra', /^UnknownRotator: .*one of: postgres/],
  ])('names the field %s when it is %j', async (field, value, message) => {
    expect(await failureOf({ ...secretOf(login), [field]: value })).toMatch(message);
  });

  it('names an engine that contradicts the tag', async () => {
    const tags = { 'keyturn:rotator': 'postgres' };
    expect(await failureOf({ ...secretOf(login), engine: 'mysql' }, tags)).toMatch(
      /^InvalidSecretField: The secret's "engine"/,
    );
  });

  it('names a tag with an unknown rotator', async () => {
    expect(await failureOf(secretOf(login), { 'keyturn:rotator': 'mars' })).toMatch(
      /^UnknownRotator: The tag keyturn:rotator/,
    );
  });

  it('stores nothing that setSecret could not read, and rotates once the variable is mended', async () => {
    const real = postgres(sharedOptions());
    const short: typeof real = {
      ...real,
      parse: (fields) => {
        if (String(fields.password).length > 128) throw contradictoryField('password', 'is too long');
        return real.parse(fields);
      },
    };
    const functionOf = (length: number) =>
      createRotationHandler({
        rotators: [short],
        client: fixture.functionClient,
        configuration: { password: { length } },
      });
    const own = await createLogin();
    const arn = await fixture.createSecret(secretOf(own));
    fixture.local.registerFunction('rotate', functionOf(200));
    expect(await fixture.rotate(arn)).toMatch(/^PasswordImpossible: .*"password".*PASSWORD_LENGTH/);
    await expect(fixture.text(arn, 'AWSPENDING')).rejects.toThrow(/ResourceNotFound|can't find/);
    fixture.local.registerFunction('rotate', functionOf(40));
    expect(await fixture.rotate(arn)).toBeUndefined();
    fixture.local.registerFunction('rotate', fixture.handler);
  });

  it('gives up a version that can never be read, so that the next rotation starts clean', async () => {
    const own = await createLogin();
    const arn = await fixture.createSecret(secretOf(own));
    await fixture.put(arn, { ...secretOf(own), port: 'no port' }, ['AWSPENDING']);
    await fixture.rotate(arn);
    expect(await fixture.rotate(arn)).toBeUndefined();
    expect(await canLogIn(loginOf(await fixture.read(arn)))).toBe(true);
  });

  it('tells an unreachable host, and a server without TLS', async () => {
    const nobody = { ...secretOf(login), host: '127.0.0.1', port: await closedPort() };
    expect(await failureOf(nobody)).toMatch(/^TargetUnreachable: .*ECONNREFUSED.*security groups/);
    const plain = await startPostgres({ tls: false });
    try {
      expect(await failureOf({ ...secretOf(login), host: plain.host, port: plain.port })).toMatch(
        /^TlsUnavailable: .*"ssl": false in the secret/,
      );
    } finally {
      await plain.stop();
    }
  });

  it('sends no password anywhere when the pending version is for another target', async () => {
    const arn = await fixture.createSecret(secretOf(login));
    for (const [field, value] of [
      ['host', 'elsewhere.example.com'],
      ['username', 'other'],
      ['dbname', 'other'],
      ['port', 1],
    ] as const) {
      const token = await fixture.put(
        arn,
        { ...secretOf(login), password: 'next-password-1', [field]: value },
        ['AWSPENDING'],
      );
      const failing = fixture.handler({ Step: 'setSecret', SecretId: arn, ClientRequestToken: token });
      await expect(failing).rejects.toMatchObject({ code: 'TargetChanged' });
      expect(fixture.recorded.reports.at(-1)).toMatchObject({
        errorCode: 'TargetChanged',
        logins: 0,
        refusedLogins: 0,
      });
    }
  });

  it('names a binary secret', async () => {
    const { ARN: arn = '' } = await fixture.client.send(
      new CreateSecretCommand({
        Name: uniqueName('binary').replaceAll(' ', '-'),
        SecretBinary: Buffer.from('bytes'),
        Tags: [{ Key: 'keyturn:rotator', Value: 'postgres' }],
      }),
    );
    expect(await fixture.rotate(arn)).toMatch(/^SecretIsBinary: .*SecretString/);
  });

  it('names a secret without a value', async () => {
    const { ARN: arn = '' } = await fixture.client.send(
      new CreateSecretCommand({ Name: uniqueName('empty').replaceAll(' ', '-') }),
    );
    expect(await fixture.rotate(arn)).toMatch(/^SecretHasNoValue: /);
  });

  it('answers an invalid event, and a step out of turn, with its own error code', async () => {
    const arn = await fixture.createSecret(secretOf(login));
    expect(await fixture.rotate(arn, { immediately: false })).toBeUndefined();
    const pending = await fixture.put(arn, { ...secretOf(login), password: 'next-password-1' }, [
      'AWSPENDING',
    ]);
    const event = { Step: 'setSecret', SecretId: arn, ClientRequestToken: pending };
    const codeOf = (input: unknown) =>
      fixture.handler(input).then(
        () => 'done',
        (error: unknown) => (isKeyturnError(error) ? error.code : 'other'),
      );
    expect(await codeOf('setSecret')).toBe('InvalidEvent');
    expect(await codeOf({ ...event, ClientRequestToken: undefined })).toBe('InvalidEvent');
    expect(await codeOf({ ...event, Step: 'deleteSecret' })).toBe('UnknownStep');
    expect(await codeOf({ ...event, ClientRequestToken: 'unknown-token' })).toBe('VersionNotStaged');
    expect(await codeOf({ ...event, SecretId: 'no-such-secret' })).toBe('SecretNotFound');
    const previous = await fixture.put(arn, secretOf(login), ['AWSCURRENT', 'mine']);
    await fixture.put(arn, secretOf(login), ['AWSCURRENT']);
    expect(await codeOf({ ...event, ClientRequestToken: previous })).toBe('VersionNotPending');
    await fixture.client.send(new CancelRotateSecretCommand({ SecretId: arn }));
    expect(await codeOf(event)).toBe('RotationNotEnabled');
    expect(await canLogIn(login)).toBe(true);
  });
});
