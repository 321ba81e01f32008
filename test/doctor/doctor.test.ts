import {
  CancelRotateSecretCommand,
  CreateSecretCommand,
  DeleteSecretCommand,
  GetSecretValueCommand,
  PutResourcePolicyCommand,
  RotateSecretCommand,
  UpdateSecretCommand,
} from '@aws-sdk/client-secrets-manager';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { runKeyturnAlone } from '../cli/keyturn-process.ts';
import { closedPort } from '../support/closed-port.ts';
import { adminSecret, asAdmin, createLogin, secretOf } from '../support/postgres-fixtures.ts';
import { failOnce, type RotationFixture, startFixture } from '../support/rotation-fixture.ts';
import {
  configurationWith,
  roleArn,
  type StandIns,
  startStandIns,
  vpc,
  vpcConfig,
  type World,
} from './stand-ins.ts';

interface Told {
  readonly code: number | null;
  readonly stdout: string;
  readonly document: {
    readonly state: string;
    readonly causes: readonly {
      readonly cause: string;
      readonly likelihood: string;
      readonly step: string;
    }[];
    readonly notSeen: readonly string[];
    readonly fixed?: {
      readonly done: string | null;
      readonly outcome: string | null;
      readonly reason: string | null;
    };
  };
}

describe('keyturn doctor', () => {
  let fixture: RotationFixture;
  let standIns: StandIns;
  let failing: string;
  beforeAll(async () => {
    fixture = await startFixture();
    standIns = await startStandIns(fixture);
    failing = fixture.local.registerFunction('failing', () => {
      throw new Error('It never works.');
    });
  });
  afterEach(() => standIns.reset());
  afterAll(async () => {
    await standIns.close();
    await fixture.close();
  });

  async function doctor(...args: string[]): Promise<Told> {
    const { code, stdout } = await runKeyturnAlone(standIns.variables, 'doctor', ...args, '--json');
    return { code, stdout, document: JSON.parse(stdout) };
  }

  /** A secret whose password no version has. */
  async function lost(): Promise<string> {
    return fixture.createSecret(secretOf({ ...(await createLogin()), password: 'not the password' }));
  }

  /** A secret that has rotated once. */
  async function rotated(value?: object): Promise<string> {
    const arn = await fixture.createSecret(value ?? secretOf(await createLogin()));
    expect(await fixture.rotate(arn)).toBeUndefined();
    return arn;
  }

  /** A secret with a rotation that failed before anything was stored. */
  async function stuckEmpty(): Promise<string> {
    const arn = await fixture.createSecret(secretOf(await createLogin()));
    const RotationRules = { AutomaticallyAfterDays: 30 };
    await fixture.client.send(
      new RotateSecretCommand({ SecretId: arn, RotationLambdaARN: failing, RotationRules }),
    );
    await fixture.local.rotationsSettled(arn);
    return arn;
  }

  /** A secret with a rotation that was cut off when the password had been changed. */
  async function cutOff(): Promise<string> {
    const arn = await rotated();
    failOnce(fixture.functionClient, 'UpdateSecretVersionStage', 'before');
    expect(await fixture.rotate(arn)).toContain('was lost');
    return arn;
  }

  const timedOut: World['invocation'] = {
    status: 200,
    body: {
      errorType: 'Sandbox.Timedout',
      errorMessage: 'RequestId: 1 Error: Task timed out after 60.00 seconds',
    },
  };

  /** A fault: how to prepare it, and the cause that the doctor must name. */
  const faults: Readonly<
    Record<string, readonly [cause: string, prepare: (world: World) => Promise<string>]>
  > = {
    'a function that was deleted': [
      'FunctionMissing',
      async (world) => {
        world.configuration = undefined;
        return rotated();
      },
    ],
    'a function that Secrets Manager may not invoke': [
      'FunctionNotInvocable',
      async (world) => {
        world.policy = undefined;
        return stuckEmpty();
      },
    ],
    'a function whose reserved concurrency is 0': [
      'FunctionHasNoConcurrency',
      async (world) => {
        world.reservedConcurrency = 0;
        const body = {
          Message: 'Rate Exceeded.',
          Reason: 'ReservedFunctionConcurrentInvocationLimitExceeded',
        };
        world.invocation = { status: 429, error: 'TooManyRequestsException', body };
        return stuckEmpty();
      },
    ],
    'a function that lacks a module': [
      'FunctionBroken',
      async (world) => {
        const body = { errorType: 'Runtime.ImportModuleError', errorMessage: "Cannot find module 'lambda'" };
        world.invocation = { status: 200, body };
        return stuckEmpty();
      },
    ],
    'a VPC without a way to Secrets Manager': [
      'NoWayToSecretsManager',
      async (world) => {
        world.configuration = configurationWith({ VpcConfig: vpcConfig });
        world.vpc = vpc();
        world.invocation = timedOut;
        return stuckEmpty();
      },
    ],
    'an endpoint that does not let the function in': [
      'EndpointBlocked',
      async (world) => {
        world.configuration = configurationWith({ VpcConfig: vpcConfig });
        world.vpc = vpc({ endpointLetsIn: '10.0.2.0/24' });
        world.invocation = timedOut;
        return stuckEmpty();
      },
    ],
    'a time-out that is too short': [
      'DeadlineExceeded',
      async (world) => {
        world.configuration = configurationWith({ VpcConfig: vpcConfig, Timeout: 3 });
        world.vpc = vpc({ nat: true });
        world.otherLines = ['2026-01-01T00:00:00Z 1 Task timed out after 3.00 seconds'];
        world.invocation = timedOut;
        return stuckEmpty();
      },
    ],
    'a KMS key that is disabled': [
      'KeyUnusable',
      async (world) => {
        const arn = await rotated();
        await fixture.client.send(
          new UpdateSecretCommand({
            SecretId: arn,
            KmsKeyId: 'arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555',
          }),
        );
        const end = fixture.local.injectFault({
          operation: 'PutSecretValue',
          fault: 'EncryptionFailure',
          times: 1,
        });
        expect(await fixture.rotate(arn)).toMatch(/^AccessDenied/);
        end();
        world.keyState = 'Disabled';
        const errorMessage = 'GetSecretValue failed: DecryptionFailure: the key is disabled.';
        world.invocation = { status: 200, body: { errorType: 'AccessDenied', errorMessage } };
        return arn;
      },
    ],
    'a resource policy that denies the role': [
      'RefusedByResourcePolicy',
      async (world) => {
        const arn = await rotated();
        const ResourcePolicy = JSON.stringify({
          Version: '2012-10-17',
          Statement: [
            {
              Sid: 'OnlyTheBreakGlass',
              Effect: 'Deny',
              Principal: '*',
              Action: 'secretsmanager:PutSecretValue',
              Resource: '*',
              Condition: { StringNotEquals: { 'aws:PrincipalTag/team': 'glass' } },
            },
          ],
        });
        await fixture.client.send(new PutResourcePolicyCommand({ SecretId: arn, ResourcePolicy }));
        const end = fixture.local.injectFault({
          operation: 'PutSecretValue',
          fault: 'AccessDeniedException',
          times: 1,
        });
        expect(await fixture.rotate(arn)).toMatch(/^AccessDenied/);
        end();
        const errorMessage = `${roleArn} is not authorized with an explicit deny in a resource-based policy`;
        world.invocation = { status: 200, body: { errorType: 'AccessDenied', errorMessage } };
        return arn;
      },
    ],
    'a password that no version has': [
      'NoCredentialAccepted',
      async () => {
        const arn = await lost();
        expect(await fixture.rotate(arn)).toMatch(/^NoCredentialAccepted/);
        return arn;
      },
    ],
    'a target that is not reached': [
      'TargetUnreachable',
      async () => {
        const arn = await fixture.createSecret({
          ...secretOf(await createLogin()),
          port: await closedPort(),
        });
        expect(await fixture.rotate(arn)).toMatch(/^TargetUnreachable/);
        return arn;
      },
    ],
    'a role that may not write': [
      'AccessDenied',
      async (world) => {
        const arn = await rotated();
        const end = fixture.local.injectFault({
          operation: 'PutSecretValue',
          fault: 'AccessDeniedException',
          times: 1,
        });
        expect(await fixture.rotate(arn)).toMatch(/^AccessDenied/);
        end();
        world.denied.add('invocations');
        return arn;
      },
    ],
    'an admin that the target refuses': [
      'AdminRefused',
      async () => {
        const masterarn = await fixture.createSecret({ ...adminSecret(), password: 'not the password' });
        const tags = { 'keyturn:rotator': 'postgres-alternating-users' };
        const arn = await fixture.createSecret({ ...secretOf(await createLogin()), masterarn }, tags);
        expect(await fixture.rotate(arn)).toMatch(/^AdminRefused/);
        return arn;
      },
    ],
    'a rotation that was cut off after the change': ['PendingMayBeLive', cutOff],
    'rotation that was turned off with an empty AWSPENDING': [
      'EmptyPendingLeft',
      async () => {
        const SecretId = await stuckEmpty();
        await fixture.client.send(new CancelRotateSecretCommand({ SecretId }));
        return SecretId;
      },
    ],
  };

  /** Faults that a person must mend, except for the last one. */
  const others: typeof faults = {
    'a function that Lambda calls failed': [
      'FunctionBroken',
      async (world) => {
        world.configuration = configurationWith({ State: 'Failed', StateReason: 'The image is gone.' });
        const body = { Message: 'The function is not in the state Active.' };
        world.invocation = { status: 502, error: 'ResourceNotReadyException', body };
        return stuckEmpty();
      },
    ],
    'security groups of the function that let nothing out': [
      'OutgoingBlocked',
      async (world) => {
        world.configuration = configurationWith({ VpcConfig: vpcConfig });
        const open = vpc({ endpointLetsIn: '10.0.0.0/8' });
        const closed = open.DescribeSecurityGroups.replace(
          /<ipPermissionsEgress>.*?<\/ipPermissionsEgress>/s,
          '',
        );
        world.vpc = { ...open, DescribeSecurityGroups: closed };
        world.invocation = timedOut;
        return stuckEmpty();
      },
    ],
    'a NAT gateway that is gone': [
      'NoWayToSecretsManager',
      async (world) => {
        world.configuration = configurationWith({ VpcConfig: vpcConfig });
        const nat = vpc({ nat: true });
        world.vpc = {
          ...nat,
          DescribeRouteTables: nat.DescribeRouteTables.replace('<state>active', '<state>blackhole'),
        };
        world.invocation = timedOut;
        return stuckEmpty();
      },
    ],
    'a secret that is marked for deletion': [
      'SecretMarkedForDeletion',
      async () => {
        const SecretId = await rotated();
        await fixture.client.send(new DeleteSecretCommand({ SecretId, RecoveryWindowInDays: 7 }));
        return SecretId;
      },
    ],
    'a secret without a value': [
      'SecretHasNoValue',
      async () => {
        const { ARN = '' } = await fixture.client.send(new CreateSecretCommand({ Name: 'without-value' }));
        return ARN;
      },
    ],
    'a value without a username': [
      'InvalidSecretField',
      async () => {
        const { username: _, ...value } = secretOf(await createLogin());
        const arn = await fixture.createSecret(value);
        expect(await fixture.rotate(arn)).toMatch(/^InvalidSecretField/);
        return arn;
      },
    ],
    'a rotator that the function does not have': [
      'UnknownRotator',
      async () => {
        const arn = await fixture.createSecret(secretOf(await createLogin()), {
          'keyturn:rotator': 'oracle',
        });
        expect(await fixture.rotate(arn)).toMatch(/^UnknownRotator/);
        return arn;
      },
    ],
    'an admin secret that does not exist': [
      'SecretNotFound',
      async () => {
        const masterarn = 'arn:aws:secretsmanager:us-east-1:123456789012:secret:none-AbCdEf';
        const tags = { 'keyturn:rotator': 'postgres-alternating-users' };
        const arn = await fixture.createSecret({ ...secretOf(await createLogin()), masterarn }, tags);
        expect(await fixture.rotate(arn)).toMatch(/^SecretNotFound/);
        return arn;
      },
    ],
    'an admin secret of another server': [
      'AdminServerDiffers',
      async () => {
        const masterarn = await fixture.createSecret({ ...adminSecret(), host: 'elsewhere.example.com' });
        const tags = { 'keyturn:rotator': 'postgres-alternating-users' };
        const arn = await fixture.createSecret({ ...secretOf(await createLogin()), masterarn }, tags);
        expect(await fixture.rotate(arn)).toMatch(/^AdminServerDiffers/);
        return arn;
      },
    ],
    'a binary value': [
      'SecretIsBinary',
      async () => {
        const SecretBinary = Buffer.from('binary');
        const created = await fixture.client.send(new CreateSecretCommand({ Name: 'binary', SecretBinary }));
        expect(await fixture.rotate(String(created.ARN))).toMatch(/^SecretIsBinary/);
        return String(created.ARN);
      },
    ],
    'a password that somebody changed at the target': [
      'CurrentDoesNotWork',
      async () => {
        const login = await createLogin();
        const arn = await rotated(secretOf(login));
        await asAdmin((admin) =>
          admin.query(`ALTER ROLE ${admin.escapeIdentifier(login.username)} PASSWORD 'of somebody else'`),
        );
        return arn;
      },
    ],
  };

  it.each(Object.entries(others))(
    'names %s, and fixes only what is safe',
    async (_name, [cause, prepare]) => {
      const arn = await prepare(standIns.world);
      const valuesBefore = await valuesOf(arn);
      const { code, document, stdout } = await doctor(arn, '--fix', '--timeout', '5');
      expect(code).toBe(3);
      const isForPerson = cause !== 'CurrentDoesNotWork';
      expect(document.fixed).toMatchObject(
        isForPerson ? { done: null } : { done: 'rotate', outcome: expect.not.stringMatching('succeeded') },
      );
      // A fix may leave another cause behind. The first document names the original one.
      if (isForPerson) expect(document.causes[0]).toMatchObject({ cause, likelihood: 'certain' });
      else expect(document.causes.map((found) => found.cause)).toContain('NoCredentialAccepted');
      expect(stdout).not.toContain('of somebody else');
      expect(await valuesOf(arn)).toEqual(expect.arrayContaining(valuesBefore));
    },
  );

  /** The values of all versions that have a label. */
  async function valuesOf(SecretId: string): Promise<string[]> {
    const values = await Promise.all(
      Object.keys(await fixture.labels(SecretId)).map((VersionId) =>
        fixture.client.send(new GetSecretValueCommand({ SecretId, VersionId })).then(
          ({ SecretString, SecretBinary }) => SecretString ?? String(SecretBinary),
          () => '',
        ),
      ),
    );
    return values.filter((one) => one !== '');
  }

  it.each(Object.entries(faults))('names %s', async (_name, [cause, prepare]) => {
    const arn = await prepare(standIns.world);
    const { code, document, stdout } = await doctor(arn);
    expect(document.causes.map((found) => found.cause)).toContain(cause);
    expect(document.causes[0]).toMatchObject({ cause, likelihood: 'certain' });
    expect(document.causes[0]?.step).not.toBe('');
    expect(code).toBe(3);
    expect(stdout).not.toContain('not the password');
  });

  it('finds nothing wrong with a healthy secret', async () => {
    const { code, document } = await doctor(await rotated());
    expect(document).toMatchObject({ state: 'healthy', causes: [], notSeen: [] });
    expect(code).toBe(0);
  });

  it('says what it may not look at, and goes on with the rest', async () => {
    const arn = await lost();
    expect(await fixture.rotate(arn)).toMatch(/^NoCredentialAccepted/);
    standIns.world.configuration = configurationWith({ VpcConfig: vpcConfig });
    for (const operation of ['policy', 'concurrency', 'StartQuery', 'DescribeVpcEndpoints']) {
      standIns.world.denied.add(operation);
    }
    const { code, document } = await doctor(arn);
    expect(code).toBe(3);
    expect(document.causes[0]?.cause).toBe('PendingMayBeLive');
    for (const permission of [
      'lambda:GetPolicy',
      'lambda:GetFunctionConcurrency',
      'logs:StartQuery',
      'ec2:DescribeVpcEndpoints',
    ]) {
      expect(document.notSeen).toContainEqual(expect.stringContaining(permission));
    }
    const { stdout } = await runKeyturnAlone(standIns.variables, 'doctor', arn, '--no-preflight');
    expect(stdout).toContain("not seen        The function's log could not be looked at. logs:StartQuery");
    expect(stdout).toMatch(/1\. RotationUnfinished \(possible\)/);
  });

  it('says that the search of the log did not end', async () => {
    standIns.world.queryStatus = 'Failed';
    const { document } = await doctor(await rotated());
    expect(document.notSeen).toEqual([
      "The function's log could not be searched to its end. The query of Logs Insights ended as Failed.",
    ]);
  });

  it('without SECRET examines what is stuck, and leaves out what is well', async () => {
    const [well, stuck] = [await rotated(), await stuckEmpty()];
    const { stdout } = await runKeyturnAlone(standIns.variables, 'doctor', '--no-preflight', '--json');
    const document: { secrets: { secret: string }[]; needAttention: number } = JSON.parse(stdout);
    const examined = document.secrets.map(({ secret }) => secret);
    expect(examined).toContain(stuck);
    expect(examined).not.toContain(well);
    expect(document.needAttention).toBe(document.secrets.length);
  });

  it('takes SECRET or --all, and not both', async () => {
    const { code, stdout } = await runKeyturnAlone({}, 'doctor', 'one', '--all', '--json');
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'WrongArguments' } });
  });

  describe('--fix', () => {
    it('rotates again where the pending version may be live, and all is well', async () => {
      const arn = await cutOff();
      const { password } = await fixture.read(arn, 'AWSPENDING');
      const { code, document } = await doctor(arn, '--fix');
      expect(document).toMatchObject({ state: 'healthy', fixed: { done: 'rotate', outcome: 'succeeded' } });
      expect(code).toBe(0);
      expect((await fixture.read(arn)).password).toBe(password);
    });

    it('takes AWSPENDING off a version without a value, where rotation is off', async () => {
      const arn = await stuckEmpty();
      await fixture.client.send(new CancelRotateSecretCommand({ SecretId: arn }));
      const { code, document } = await doctor(arn, '--fix');
      expect(document).toMatchObject({ state: 'off', fixed: { done: 'clear-empty-pending' } });
      expect(code).toBe(0);
      expect(Object.values(await fixture.labels(arn)).flat()).toEqual(['AWSCURRENT']);
    });

    it('leaves a version that may be live where it is, and what a person has to mend', async () => {
      const off = await cutOff();
      await fixture.client.send(new CancelRotateSecretCommand({ SecretId: off }));
      const refused = await lost();
      expect(await fixture.rotate(refused)).toMatch(/^NoCredentialAccepted/);
      for (const arn of [off, refused]) {
        const before = await fixture.labels(arn);
        const { code, document } = await doctor(arn, '--fix');
        expect(document.fixed).toMatchObject({ done: null, reason: expect.stringContaining('a person') });
        expect(code).toBe(3);
        expect(await fixture.labels(arn)).toEqual(before);
      }
    });
  });
});
