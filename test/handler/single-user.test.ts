import { PutSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { quoteIdentifier } from '../../rotators/postgres/quoting.ts';
import {
  adminSecret,
  asAdmin,
  canLogIn,
  createLogin,
  loginOf,
  randomPassword,
  secretOf,
  serverLog,
  type TestLogin,
} from '../support/postgres-fixtures.ts';
import { failOnce, type RotationFixture, startFixture } from '../support/rotation-fixture.ts';

/** How many logins by the function were accepted and refused, by the server's log. */
async function loginsOf({ username }: TestLogin): Promise<{ accepted: number; refused: number }> {
  const lines = (await serverLog()).split('\n');
  // The tests' own logins have a name, and the function's have none.
  const isOfFunction = (line: string): boolean =>
    line.includes(`user=${username} `) && !line.includes('application_name=');
  return {
    accepted: lines.filter((line) => line.includes('connection authorized') && isOfFunction(line)).length,
    refused: lines.filter((line) => line.includes(`password authentication failed for user "${username}"`))
      .length,
  };
}

describe('rotating a single user', () => {
  let fixture: RotationFixture;
  beforeAll(async () => {
    fixture = await startFixture();
  });
  afterAll(() => fixture.close());

  it('takes at most 8 calls and 2 logins, none refused', async () => {
    const login = await createLogin('counted');
    const arn = await fixture.createSecret(secretOf(login));
    fixture.calls.length = 0;
    expect(await fixture.rotate(arn)).toBeUndefined();
    expect(fixture.calls).toEqual([
      'DescribeSecret',
      'GetSecretValue',
      'PutSecretValue',
      'DescribeSecret',
      'UpdateSecretVersionStage',
      'DescribeSecret',
      'DescribeSecret',
    ]);
    expect(await loginsOf(login)).toEqual({ accepted: 2, refused: 0 });
    expect(fixture.recorded.reports.slice(-4)).toMatchObject([
      {
        step: 'createSecret',
        outcome: 'stored',
        rotator: 'postgres',
        secretsManagerCalls: 3,
        logins: 0,
        refusedLogins: 0,
      },
      {
        step: 'setSecret',
        outcome: 'changed-and-current',
        secretsManagerCalls: 2,
        logins: 2,
        refusedLogins: 0,
      },
      { step: 'testSecret', outcome: 'already-done', rotator: 'postgres', secretsManagerCalls: 1 },
      { step: 'finishSecret', outcome: 'already-done', rotator: 'postgres', secretsManagerCalls: 1 },
    ]);
    expect(fixture.recorded.reports.at(-3)?.gapMs).toBeGreaterThan(0);
  });

  it('says in a preflight with an admin that passwords have expired, which the server does not tell the user', async () => {
    const login = await createLogin();
    const admin = await fixture.createSecret(adminSecret());
    const arn = await fixture.createSecret(secretOf(login), { 'keyturn:admin': admin });
    await asAdmin((client) =>
      client.query(`ALTER ROLE ${quoteIdentifier(login.username)} VALID UNTIL '2020-01-01'`),
    );
    expect(await fixture.rotate(arn, { immediately: false })).toContain(
      `passwords of ${login.username} were valid until 2020-01-01`,
    );
  });

  it('swaps the credential and keeps every other field', async () => {
    const login = await createLogin();
    const extra = {
      dbInstanceIdentifier: 'db-1',
      note: { nested: [1, null, 'x'] },
      port: String(secretOf(login).port),
    };
    const arn = await fixture.createSecret({ ...secretOf(login), ...extra });
    expect(await fixture.rotate(arn)).toBeUndefined();
    const rotated = await fixture.read(arn);
    expect(rotated).toEqual({ ...secretOf(login), ...extra, password: rotated.password });
    expect(rotated.password).toHaveLength(32);
    expect(await canLogIn(loginOf(rotated))).toBe(true);
    expect(await canLogIn(login)).toBe(false);
    expect(await fixture.read(arn, 'AWSPREVIOUS')).toMatchObject({ password: login.password });
  });

  it('keeps a value that the pending version has already', async () => {
    const login = await createLogin();
    const arn = await fixture.createSecret(secretOf(login));
    const chosen = randomPassword();
    failOnce(fixture.functionClient, 'PutSecretValue', 'before');
    const token = crypto.randomUUID();
    expect(await fixture.rotate(arn, { token })).toMatch(/PutSecretValue/);
    const event = { Step: 'createSecret', SecretId: arn, ClientRequestToken: token };
    await fixture.client.send(
      new PutSecretValueCommand({
        SecretId: arn,
        ClientRequestToken: token,
        VersionStages: ['AWSPENDING'],
        SecretString: JSON.stringify({ ...secretOf(login), password: chosen }),
      }),
    );
    await fixture.handler(event);
    expect(fixture.recorded.reports.at(-1)).toMatchObject({ outcome: 'kept' });
    for (const Step of ['setSecret', 'testSecret', 'finishSecret']) await fixture.handler({ ...event, Step });
    expect(await fixture.read(arn)).toMatchObject({ password: chosen });
  });

  it('moves AWSCURRENT in the last step when immediate cutover is off', async () => {
    const later = await startFixture({ configuration: { immediateCutover: false } });
    try {
      const login = await createLogin('later');
      const arn = await later.createSecret(secretOf(login));
      expect(await later.rotate(arn)).toBeUndefined();
      expect(later.recorded.reports.map(({ outcome }) => outcome)).toEqual([
        'stored',
        'changed',
        'verified',
        'current',
      ]);
      expect(await loginsOf(login)).toEqual({ accepted: 2, refused: 0 });
      expect(await canLogIn(loginOf(await later.read(arn)))).toBe(true);
    } finally {
      await later.close();
    }
  });

  it('tests without changing anything for RotateImmediately=false, and says each finding', async () => {
    const login = await createLogin();
    const arn = await fixture.createSecret(secretOf(login));
    fixture.recorded.notes.length = 0;
    expect(await fixture.rotate(arn, { immediately: false })).toBeUndefined();
    expect(fixture.recorded.notes).toEqual([
      expect.stringMatching(/^Preflight, login: ok: .* accepts AWSCURRENT$/),
      'Preflight, new credential: ok: can be made',
      'Preflight, encryption: ok: verified TLS',
      'Preflight, login method: ok: the server asks by scram-sha-256',
      'Preflight, server: ok: takes changes',
      'Preflight, password: ok: the role may change its own',
      'Preflight, password storage: ok: the next password is stored as a SCRAM verifier of 4096 iterations',
      `Preflight, validity: ok: passwords of ${login.username} do not expire`,
    ]);
    expect(await fixture.read(arn)).toEqual(secretOf(login));
    expect(await canLogIn(login)).toBe(true);
  });

  it('fails that test for a password that does not work, before the first rotation', async () => {
    const login = await createLogin();
    const arn = await fixture.createSecret({ ...secretOf(login), password: 'wrong' });
    expect(await fixture.rotate(arn, { immediately: false })).toMatch(
      /^PreflightFailed: .*login: .* refuses AWSCURRENT/,
    );
  });
});
