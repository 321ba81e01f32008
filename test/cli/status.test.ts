import { setTimeout as sleep } from 'node:timers/promises';
import {
  CancelRotateSecretCommand,
  CreateSecretCommand,
  DeleteSecretCommand,
  RotateSecretCommand,
} from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Tools } from '../../src/cli/rotation/rotate.ts';
import { silentScreen } from '../../src/cli/rotation/screen.ts';
import { status as runStatus } from '../../src/cli/rotation/status.ts';
import { toolsFor } from '../../src/cli/rotation/tools.ts';
import { KeyturnError } from '../../src/errors.ts';
import { createRedactor } from '../../src/redact.ts';
import { createLogin, secretOf } from '../support/postgres-fixtures.ts';
import { type RotationFixture, startFixture } from '../support/rotation-fixture.ts';
import { functionArn, runAt, runJsonAt } from './rotation-commands.ts';

describe('keyturn status', () => {
  let fixture: RotationFixture;
  let failing: string;
  beforeAll(async () => {
    fixture = await startFixture();
    failing = fixture.local.registerFunction('failing', () => {
      throw new Error('It never works.');
    });
  });
  afterAll(() => fixture.close());

  const create = async () => fixture.createSecret(secretOf(await createLogin()));
  const status = async (arn: string, ...more: string[]) =>
    (await runJsonAt(fixture, 'status', arn, ...more)).document;
  const cancel = (SecretId: string) => fixture.client.send(new CancelRotateSecretCommand({ SecretId }));

  /** A secret with a rotation that failed before it had stored anything. */
  async function stuckEmpty(): Promise<string> {
    const arn = await create();
    const RotationRules = { AutomaticallyAfterDays: 30 };
    await fixture.client.send(
      new RotateSecretCommand({ SecretId: arn, RotationLambdaARN: failing, RotationRules }),
    );
    await fixture.local.rotationsSettled(arn);
    return arn;
  }

  /** A secret with a rotation that failed after createSecret. */
  async function stuckWithValue(): Promise<string> {
    const arn = await fixture.createSecret(
      secretOf({ ...(await createLogin()), password: 'not the password' }),
    );
    expect(await fixture.rotate(arn)).toMatch(/^NoCredentialAccepted/);
    return arn;
  }

  it('--all ends with the error of a secret that fails while others are still being listed', async () => {
    const arn = await stuckEmpty();
    const target = { endpoint: fixture.local.url, region: undefined, secret: '' };
    const tools = toolsFor(target, createRedactor(), silentScreen);
    const secrets: Tools['secrets'] = {
      ...tools.secrets,
      async *list() {
        yield await tools.secrets.describe(arn);
        await sleep(50);
      },
      read: async () => {
        throw new KeyturnError('SecretsManagerUnreachable', 'Nobody answers.', 'Try again.');
      },
    };
    // An error that nobody awaits would end the process, and fail this run of the tests.
    await expect(
      runStatus({ ...tools, secrets }, { chosen: { prefix: undefined, tags: [] }, preflight: false }),
    ).rejects.toMatchObject({ code: 'SecretsManagerUnreachable' });
  });

  it('says of a new secret that nothing rotates it', async () => {
    const arn = await create();
    const { code, stdout } = await runAt(fixture, 'status', arn);
    expect(code).toBe(0);
    expect(stdout).toMatch(/rotation +never turned on/);
    expect(stdout).toMatch(/AWSCURRENT, made (just now|\d+ seconds? ago) \(\d{4}-/);
    expect(stdout).toMatch(/- Turn rotation on: keyturn attach .* --function ARN --every 30d/);
  });

  it('shows function, schedule, dates and versions of a healthy one', async () => {
    const arn = await create();
    expect(await fixture.rotate(arn)).toBeUndefined();
    const { stdout } = await runAt(fixture, 'status', arn);
    expect(stdout).toMatch(/rotation +on\n {2}function +arn:.*:rotate\n {2}schedule +every 30 days\n/);
    expect(stdout).toMatch(/last rotated +(just now|\d+ seconds? ago) \(\d{4}-/);
    expect(stdout).toMatch(/next rotation +in \d+ days \(.*\) at the latest\n/);
    expect(stdout).toMatch(/AWSCURRENT.*\n.*AWSPREVIOUS.*\nRotation is on, and nothing is unfinished\.\n$/);
  });

  it('prints all facts as one document with --json', async () => {
    const arn = await create();
    expect(await fixture.rotate(arn)).toBeUndefined();
    expect(await status(arn)).toEqual({
      secret: arn,
      name: expect.any(String),
      rotation: {
        enabled: true,
        function: functionArn,
        schedule: null,
        everyDays: 30,
        window: null,
        lastRotated: expect.stringMatching(/Z$/),
        nextRotation: expect.stringMatching(/Z$/),
      },
      versions: [
        {
          id: expect.any(String),
          labels: expect.arrayContaining(['AWSCURRENT']),
          createdAt: expect.any(String),
        },
        { id: expect.any(String), labels: ['AWSPREVIOUS'], createdAt: expect.any(String) },
      ],
      state: 'healthy',
      findings: ['Rotation is on, and nothing is unfinished.'],
      advice: [],
      causes: [],
      preflight: null,
    });
  });

  it('explains an AWSPENDING that is stuck on an empty version', async () => {
    const { state, findings, advice } = await status(await stuckEmpty());
    expect(state).toBe('unfinished-empty');
    expect(findings).toContainEqual(expect.stringContaining('AWSCURRENT has not been touched'));
    expect(advice).toContainEqual(expect.stringContaining('aws logs tail /aws/lambda/failing'));
    expect(advice).toContainEqual(
      expect.stringMatching(/^Taking AWSPENDING off it is harmless, as .*: aws secretsmanager/),
    );
  });

  it('explains an AWSPENDING that is stuck on a version with a value, and asks the function', async () => {
    const arn = await stuckWithValue();
    const { code, stdout } = await runAt(fixture, 'status', arn, '--preflight');
    expect(code).toBe(3);
    expect(stdout).toMatch(/The function says: PreflightFailed: .*login/);
    expect(stdout).toContain('may hold the only copy of the credential that works now. Keep it.');
    expect(stdout).not.toContain('not the password');
    const { state, name } = await status(arn);
    expect(state).toBe('unfinished-with-value');
    expect(stdout).toContain(`keyturn rotate ${name}\n`);
  });

  it('says that rotation was turned off, and what it left behind', async () => {
    const healthy = await create();
    expect(await fixture.rotate(healthy)).toBeUndefined();
    await cancel(healthy);
    expect(await status(healthy)).toMatchObject({
      state: 'off',
      advice: [expect.stringContaining(`--function ${functionArn}`)],
    });
    const stuck = await stuckWithValue();
    await cancel(stuck);
    const { state, findings, advice } = await status(stuck);
    expect(state).toBe('unfinished-with-value');
    expect(findings).toContain('Rotation was turned off meanwhile, so nothing goes on with it.');
    expect(advice).toEqual([expect.stringMatching(/^Keep that version\. Rotate: .*: keyturn rotate \S+$/)]);
  });

  it('is not healthy where the target refuses AWSCURRENT, also after a rotation that went well', async () => {
    const arn = await create();
    expect(await fixture.rotate(arn)).toBeUndefined();
    const value = await fixture.read(arn);
    await fixture.put(arn, { ...value, password: 'not the password' });
    expect((await runAt(fixture, 'status', arn)).code).toBe(0);
    const { code, document, stdout } = await runJsonAt(fixture, 'status', arn, '--preflight');
    expect(code).toBe(3);
    expect(document).toMatchObject({ state: 'preflight-failed', preflight: { code: 'PreflightFailed' } });
    expect(document.advice).toContainEqual(
      expect.stringMatching(/Then rotate: Keyturn's functions try AWSPREVIOUS/),
    );
    expect(stdout).not.toContain('first rotation');
  });

  it('ends with 1 if the function does not answer the preflight', async () => {
    const arn = await create();
    const { code, stdout } = await runAt(fixture, 'status', arn, '--preflight');
    expect(code).toBe(1);
    expect(stdout).toContain('The function could not be asked for a preflight.');
  });

  it('lists all secrets, and ends with 3 if one needs attention', async () => {
    const prefix = `all-${Date.now()}`;
    const Name = `${prefix}/stuck`;
    const names = [Name, `${prefix}/quiet`];
    for (const name of names) {
      await fixture.client.send(
        new CreateSecretCommand({ Name: name, SecretString: '{}', Tags: [{ Key: 'team', Value: prefix }] }),
      );
    }
    expect((await runAt(fixture, 'status', '--all', prefix)).code).toBe(0);
    const RotationRules = { AutomaticallyAfterDays: 30 };
    await fixture.client.send(
      new RotateSecretCommand({ SecretId: Name, RotationLambdaARN: failing, RotationRules }),
    );
    await fixture.local.rotationsSettled(Name);
    const { code, document } = await runJsonAt(fixture, 'status', '--all', '--tag', `team=${prefix}`);
    expect(code).toBe(3);
    expect(document).toMatchObject({
      secrets: [
        { name: names[1], state: 'never-attached' },
        { name: Name, state: 'unfinished-empty' },
      ],
      needAttention: 1,
      states: { 'never-attached': 1, 'unfinished-empty': 1 },
    });
    const { stdout } = await runAt(fixture, 'status', '--all', prefix);
    expect(stdout).toContain('1 of 2 secrets need attention.');
    expect((await runAt(fixture, 'status', '--all', '--tag', '=x')).code).toBe(2);
  });

  it('tells a secret without a value, one that is marked for deletion, and one that is not there', async () => {
    const arn = await create();
    await fixture.client.send(new DeleteSecretCommand({ SecretId: arn }));
    expect(await status(arn)).toMatchObject({ state: 'deleted' });
    expect(await status('nothing')).toMatchObject({ error: { code: 'SecretNotFound' } });
  });
});
