import { DescribeSecretCommand, SecretsManager } from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { attach as attachBy } from '../../src/cli/rotation/attach.ts';
import { makeSchedule } from '../../src/cli/rotation/schedule.ts';
import { silentScreen } from '../../src/cli/rotation/screen.ts';
import { toolsFor } from '../../src/cli/rotation/tools.ts';
import { createRedactor } from '../../src/redact.ts';
import { plainRotation } from '../local/harness.ts';
import { canLogIn, createLogin, loginOf, secretOf } from '../support/postgres-fixtures.ts';
import { type RotationFixture, startFixture } from '../support/rotation-fixture.ts';
import { functionArn, runAt, runJsonAt } from './rotation-commands.ts';

describe('keyturn attach', () => {
  let fixture: RotationFixture;
  beforeAll(async () => {
    fixture = await startFixture();
  });
  afterAll(() => fixture.close());

  const described = (SecretId: string) => fixture.client.send(new DescribeSecretCommand({ SecretId }));
  const attach = (arn: string, ...more: string[]) =>
    runAt(fixture, 'attach', arn, '--function', functionArn, '--every', '30d', ...more);
  const attachJson = (arn: string, ...more: string[]) =>
    runJsonAt(fixture, 'attach', arn, '--function', functionArn, '--every', '30d', ...more);

  it('shows what it will do, does it, and follows the rotation to its end', async () => {
    const login = await createLogin();
    const arn = await fixture.createSecret(secretOf(login));
    const { code, stdout, stderr } = await attach(arn);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/served by +the rotator postgres, for .+ at .+:\d+/);
    expect(stdout).toMatch(/schedule +every 30 days: rate\(30 days\)/);
    expect(stdout).toMatch(
      /ok {2}login .*\n(.*\n)*Attached: .*\n(.*\n)* {2}createSecret .*\n {2}setSecret .*\n {2}finishSecret .*\nRotated: /,
    );
    expect(stdout).not.toContain('\u001b');
    const rotated = loginOf(await fixture.read(arn));
    for (const { password } of [login, rotated]) expect(stdout).not.toContain(password);
    expect([await canLogIn(rotated), await canLogIn(login)]).toEqual([true, false]);
    expect(await described(arn)).toMatchObject({
      RotationEnabled: true,
      RotationLambdaARN: functionArn,
      RotationRules: { ScheduleExpression: 'rate(30 days)' },
    });
  });

  it('takes a function of another program, whatever its variables are called', async () => {
    const arn = await fixture.createSecret(secretOf(await createLogin()));
    const target = { secret: arn, endpoint: fixture.local.url, region: undefined };
    const tools = toolsFor(target, createRedactor(), silentScreen);
    const look = async () => ({ variables: { passwordLength: '20', KEYTURN_ROTATER: 'mine' }, notes: [] });
    const schedule = makeSchedule({ every: '30d', atHour: undefined, window: undefined });
    const { ok, document } = await attachBy(
      { ...tools, functions: { ...tools.functions, look } },
      { secret: arn, functionArn, schedule, immediately: false, timeoutMs: 60_000 },
    );
    expect([ok, document]).toEqual([true, expect.objectContaining({ outcome: 'attached' })]);
  });

  it('only sets and tests with --no-immediate', async () => {
    const login = await createLogin();
    const arn = await fixture.createSecret(secretOf(login));
    const { code, document } = await runJsonAt(
      fixture,
      ...['attach', arn, '--function', functionArn, '--no-immediate'],
      ...['--every', '7d', '--at-hour', '3', '--window', '2h'],
    );
    expect(code).toBe(0);
    expect(document).toEqual({
      secret: arn,
      function: functionArn,
      form: 'json',
      rotator: 'postgres',
      schedule: { expression: 'cron(0 3 ? * SUN *)', duration: '2h' },
      notes: [],
      preflight: {
        outcome: 'passed',
        findings: expect.arrayContaining([expect.objectContaining({ check: 'login' })]),
      },
      outcome: 'attached',
    });
    expect(await fixture.labels(arn)).toEqual({
      [String(Object.keys(await fixture.labels(arn))[0])]: ['AWSCURRENT'],
    });
    expect(await canLogIn(login)).toBe(true);
    expect((await described(arn)).RotationRules).toMatchObject({ Duration: '2h' });
  });

  it.each([
    ['MalformedSecret', '{"username": "app", "password": "hunter2"'],
    ['InvalidSecretField', '{"engine": "postgres", "username": "app", "password": "hunter2"}'],
  ])('ends with %s before anything is changed', async (errorCode, value) => {
    const arn = await fixture.createSecret(value);
    const { code, document, stdout } = await attachJson(arn);
    expect([code, document]).toMatchObject([1, { outcome: 'failed', error: { code: errorCode } }]);
    expect(stdout).not.toContain('hunter2');
    expect((await described(arn)).RotationEnabled).toBeUndefined();
  });

  it('names a function that does not exist', async () => {
    const arn = await fixture.createSecret(secretOf(await createLogin()));
    const nobody = functionArn.replace(/rotate$/, 'nobody');
    const { code, stderr } = await runAt(fixture, 'attach', arn, '--function', nobody, '--every', '30d');
    expect(code).toBe(1);
    expect(stderr).toBe(
      `keyturn attach: FunctionUnusable: There is no function ${nobody}. Check its ARN, its region and its account.\n`,
    );
    expect((await described(arn)).RotationEnabled).toBeUndefined();
  });

  it('leaves rotation off when the function objects', async () => {
    const arn = await fixture.createSecret(
      secretOf({ ...(await createLogin()), password: 'not the password' }),
    );
    const before = await fixture.labels(arn);
    const { code, stdout } = await attach(arn);
    expect(code).toBe(1);
    expect(stdout).toMatch(/The function says: PreflightFailed: .*login: /);
    expect(stdout).toContain('Nothing was rotated, and rotation is off again.');
    expect(stdout).not.toContain('not the password');
    expect((await described(arn)).RotationEnabled).toBe(false);
    expect(await fixture.labels(arn)).toEqual(before);
  });

  it('leaves rotation on as it was when the function objects', async () => {
    const arn = await fixture.createSecret(secretOf(await createLogin()));
    expect((await attach(arn, '--no-immediate')).code).toBe(0);
    await fixture.put(arn, secretOf({ ...(await createLogin()), password: 'not the password' }));
    const { code, document } = await runJsonAt(
      fixture,
      ...['attach', arn, '--function', functionArn, '--every', '1d', '--at-hour', '3'],
    );
    expect([code, document]).toMatchObject([
      1,
      { outcome: 'failed', preflight: { outcome: 'failed', code: 'PreflightFailed' } },
    ]);
    await fixture.local.rotationsSettled(arn);
    expect(await described(arn)).toMatchObject({
      RotationEnabled: true,
      RotationRules: { ScheduleExpression: 'rate(30 days)' },
    });
    expect(Object.values(await fixture.labels(arn)).flat()).not.toContain('AWSPENDING');
  });

  it('attaches a function of another kind, and says that it could not be asked', async () => {
    const client = new SecretsManager(fixture.local.clientConfig);
    const other = fixture.local.registerFunction('other', plainRotation(client));
    const arn = await fixture.createSecret('{"a": 1}');
    const { code, document } = await runJsonAt(fixture, 'attach', arn, '--function', other, '--every', '4h');
    client.destroy();
    expect([code, document]).toMatchObject([
      0,
      {
        outcome: 'succeeded',
        rotator: null,
        notes: [expect.stringContaining('must have one of its own')],
        preflight: { outcome: 'unknown' },
        rotation: {
          outcome: 'succeeded',
          steps: [{ step: 'createSecret' }, { step: 'setSecret' }, { step: 'finishSecret' }],
        },
      },
    ]);
  });

  it('leaves rotation off when a preflight has a check that is not in order', async () => {
    const finding = { check: 'login', ok: false, detail: 'the password\u202e is refused' };
    const other = fixture.local.registerFunction('not-in-order', ({ Step }) =>
      Step === 'preflight' ? { preflight: [finding] } : null,
    );
    const arn = await fixture.createSecret(secretOf(await createLogin()));
    const { code, stdout } = await runAt(fixture, 'attach', arn, '--function', other, '--every', '30d');
    expect(code).toBe(1);
    // The character that turns the direction of writing has become a space.
    expect(stdout).toContain('not in order: login: the password  is refused');
    expect(stdout).toContain('Nothing was rotated, and rotation is off again.');
    expect((await described(arn)).RotationEnabled).toBe(false);
  });

  it('gives up when the test by Secrets Manager does not end', async () => {
    const hanging = fixture.local.registerFunction('hanging', ({ Step }) =>
      Step === 'preflight' ? { preflight: [] } : new Promise(() => {}),
    );
    const arn = await fixture.createSecret(secretOf(await createLogin()));
    const labels = await fixture.labels(arn);
    const { code, document } = await runJsonAt(
      fixture,
      ...['attach', arn, '--function', hanging, '--every', '30d', '--timeout', '1'],
    );
    expect([code, document]).toMatchObject([
      1,
      { error: { code: 'PreflightFailed', message: expect.stringContaining('did not end within 1 s') } },
    ]);
    expect((await described(arn)).RotationEnabled).toBe(false);
    expect(await fixture.labels(arn)).toEqual(labels);
  });

  it('does not touch a secret with an unfinished rotation, or a deleted one', async () => {
    const arn = await fixture.createSecret(secretOf(await createLogin()));
    await fixture.put(arn, '{}', ['AWSPENDING']);
    expect((await attachJson(arn)).document).toMatchObject({
      error: { code: 'VersionNotPending', message: expect.stringContaining('keyturn rotate') },
    });
    expect((await attachJson('nothing')).document).toMatchObject({
      error: { code: 'SecretNotFound', message: expect.stringContaining('--region') },
    });
  });
});
