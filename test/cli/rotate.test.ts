import {
  CancelRotateSecretCommand,
  DeleteSecretCommand,
  PutSecretValueCommand,
} from '@aws-sdk/client-secrets-manager';
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
import { functionArn, runAt, runJsonAt } from './rotation-commands.ts';

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

  it('continues an unfinished rotation, and turns it on again where it was turned off', async () => {
    const login = await createLogin();
    const arn = await attached(wrong(login));
    expect((await runAt(fixture, 'rotate', arn, '--timeout', '1')).code).toBe(1);
    await fixture.client.send(new CancelRotateSecretCommand({ SecretId: arn }));
    const attach = ['attach', arn, '--function', functionArn, '--every', '30d'];
    const { stderr } = await runAt(fixture, ...attach);
    const [, command = ''] = /: keyturn (rotate \S+)\. Then attach\.\n$/.exec(stderr) ?? [];
    await setPassword(wrong(login));

    const { code, stdout } = await runAt(fixture, ...command.split(' '));
    expect([code, stdout]).toEqual([0, expect.stringContaining('turning rotation on again')]);
    expect(await canLogIn(loginOf(await fixture.read(arn)))).toBe(true);
    expect((await runAt(fixture, ...attach)).code).toBe(0);
  });

  it('says how to attach a secret that has AWSPENDING left over and no function', async () => {
    const arn = await fixture.createSecret(secretOf(await createLogin()));
    const { VersionId = '' } = await fixture.client.send(
      new PutSecretValueCommand({ SecretId: arn, SecretString: 'left over', VersionStages: ['AWSPENDING'] }),
    );
    const { code, stderr } = await runAt(fixture, 'rotate', arn);
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(
        new RegExp(
          `RotationNotEnabled: .*: aws .* --remove-from-version-id ${VersionId}\nTurn it on with keyturn attach`,
        ),
      ),
    ]);
  });

  it('says of a deleted secret how to restore it', async () => {
    const arn = await attached(await createLogin());
    await fixture.client.send(new DeleteSecretCommand({ SecretId: arn }));
    for (const command of [['rotate'], ['attach', '--function', functionArn, '--every', '30d']]) {
      const { code, stderr } = await runAt(fixture, ...command, arn);
      expect([code, stderr]).toEqual([
        1,
        expect.stringContaining(
          `is scheduled for deletion. Restore it first: aws secretsmanager restore-secret --secret-id ${arn}`,
        ),
      ]);
    }
  });

  it('says that the log has the error where a preflight finds nothing wrong', async () => {
    const arn = await attached(await createLogin());
    const remove = fixture.local.injectFault({ operation: 'PutSecretValue', fault: 'InternalServiceError' });
    const { code, stdout } = await runAt(fixture, 'rotate', arn, '--timeout', '1');
    remove();
    expect([code, stdout]).toEqual([
      1,
      expect.stringMatching(/The preflight found nothing wrong.*\nIts log says/),
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
