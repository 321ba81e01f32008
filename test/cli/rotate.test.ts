import { CancelRotateSecretCommand } from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { quoteIdentifier, quoteLiteral } from '../../rotators/postgres/quoting.ts';
import {
  asAdmin,
  canLogIn,
  createLogin,
  loginOf,
  secretOf,
  type TestLogin,
} from '../support/postgres-fixtures.ts';
import { type RotationFixture, startFixture } from '../support/rotation-fixture.ts';
import { runAt, runJsonAt } from './rotation-commands.ts';

describe('keyturn rotate', () => {
  let fixture: RotationFixture;
  beforeAll(async () => {
    fixture = await startFixture();
  });
  afterAll(() => fixture.close());

  /** A secret whose rotation is on, and that has not rotated. */
  async function attached(login: TestLogin): Promise<string> {
    const arn = await fixture.createSecret(secretOf(login));
    await fixture.rotate(arn, { immediately: false });
    return arn;
  }

  /** Has the server accept a login. */
  const setPassword = ({ username, password }: TestLogin) =>
    asAdmin((client) =>
      client.query(`ALTER ROLE ${quoteIdentifier(username)} PASSWORD ${quoteLiteral(password)}`),
    );

  const wrong = (login: TestLogin): TestLogin => ({ ...login, password: 'not the password' });

  it('rotates, tells the steps as they show, and ends with the outcome', async () => {
    const arn = await attached(await createLogin());
    const { code, stdout, stderr } = await runAt(fixture, 'rotate', arn);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(
      /createSecret .*\n {2}setSecret .*\n {2}finishSecret .*\nRotated: [\w-]{8} is AWSCURRENT, after/,
    );
    const rotated = loginOf(await fixture.read(arn));
    expect(await canLogIn(rotated)).toBe(true);
    expect(stdout).not.toContain(rotated.password);
  });

  it('prints one document under --json', async () => {
    const arn = await attached(await createLogin());
    const { code, document } = await runJsonAt(fixture, 'rotate', arn);
    expect(code).toBe(0);
    expect(document).toEqual({
      secret: arn,
      outcome: 'succeeded',
      version: expect.any(String),
      durationMs: expect.any(Number),
      steps: ['createSecret', 'setSecret', 'finishSecret'].map((step) => ({
        step,
        afterMs: expect.any(Number),
      })),
    });
    expect((await fixture.labels(arn))[String(document.version)]).toContain('AWSCURRENT');
  });

  it('asks the function why a rotation does not end, and later continues that rotation', async () => {
    const login = await createLogin();
    const stored = wrong(login);
    const arn = await attached(stored);
    const { code, stdout } = await runAt(fixture, 'rotate', arn, '--timeout', '1');
    expect(code).toBe(1);
    expect(stdout).toMatch(/Not done after .* is still AWSPENDING/);
    expect(stdout).toMatch(/The function says: PreflightFailed: .*login/);
    expect(stdout).toContain('aws logs tail /aws/lambda/rotate');
    expect(stdout).not.toContain(stored.password);

    await setPassword(stored);
    const again = await runAt(fixture, 'rotate', arn);
    expect(again.code).toBe(0);
    expect(again.stdout).toContain('an earlier rotation is not complete: Secrets Manager tries it again');
    expect(await canLogIn(loginOf(await fixture.read(arn)))).toBe(true);
  });

  it('tells that a rotation was given up', async () => {
    const arn = await attached(wrong(await createLogin()));
    const looked = Promise.withResolvers<void>();
    const stop = fixture.local.on((event) => {
      const byCommand = event.type === 'call' && event.accessKeyId === 'local';
      if (byCommand && event.operation === 'GetSecretValue' && event.error === undefined) looked.resolve();
    });
    const rotating = runJsonAt(fixture, 'rotate', arn);
    await looked.promise;
    stop();
    await fixture.local.rotationsSettled(arn);
    await fixture.clearPending(arn);
    const { code, document } = await rotating;
    expect([code, document]).toMatchObject([
      1,
      {
        outcome: 'failed',
        reason: expect.stringContaining('AWSPENDING was taken off'),
        preflight: { outcome: 'failed' },
      },
    ]);
  });

  it('refuses where rotation is off', async () => {
    const arn = await attached(await createLogin());
    await fixture.client.send(new CancelRotateSecretCommand({ SecretId: arn }));
    const { code, stderr } = await runAt(fixture, 'rotate', arn);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^keyturn rotate: RotationNotEnabled: Rotation of .* is off\. Turn it on with keyturn attach\.\n$/,
    );
  });
});
