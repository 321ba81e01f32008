import { SecretsManager } from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LocalSecretsManager, startLocalSecretsManager } from '../../src/local/index.ts';
import { noTerraform, startTerraform, type Terraform } from '../support/terraform.ts';
import { plainRotation } from './harness.ts';

const provider = process.env.KEYTURN_TEST_TERRAFORM_PROVIDER;

function policyFor(principal: string): string {
  const Statement = [
    {
      Sid: 'Read',
      Effect: 'Allow',
      Principal: { AWS: principal },
      Action: 'secretsmanager:*',
      Resource: '*',
    },
  ];
  return JSON.stringify({ Version: '2012-10-17', Statement });
}

/** The changes to a secret named `life`. */
interface Life {
  readonly value: string;
  readonly days: number;
  readonly stage: string;
  readonly region: string;
  readonly secret: object;
  readonly principal: string;
}

/** A secret with all resources that Terraform has for secrets. Terraform ignores what rotations change. */
function lifeOf({ value, days, stage, region, secret, principal }: Life, rotationLambdaArn: string) {
  const secret_id = `\${aws_secretsmanager_secret.life.id}`;
  const name = 'life';
  return {
    resource: {
      aws_secretsmanager_secret: {
        life: { name, recovery_window_in_days: 0, replica: [{ region }], ...secret },
      },
      aws_secretsmanager_secret_version: {
        life: { secret_id, secret_string: value, lifecycle: { ignore_changes: ['version_stages'] } },
        other: { secret_id, secret_binary: 'AAEC', version_stages: [stage] },
      },
      aws_secretsmanager_secret_policy: {
        life: {
          secret_arn: `\${aws_secretsmanager_secret.life.arn}`,
          policy: policyFor(principal),
          block_public_policy: true,
        },
      },
      aws_secretsmanager_secret_rotation: {
        life: {
          secret_id,
          rotation_lambda_arn: rotationLambdaArn,
          rotation_rules: { schedule_expression: `rate(${days} days)`, duration: '3h' },
          depends_on: ['aws_secretsmanager_secret_version.life'],
        },
      },
    },
    data: {
      aws_secretsmanager_secret: { life: { name, depends_on: ['aws_secretsmanager_secret.life'] } },
      aws_secretsmanager_random_password: { life: { password_length: 20 } },
    },
  };
}

function describeTerraform(program: string): void {
  let local: LocalSecretsManager;
  let client: SecretsManager;
  let terraform: Terraform;
  beforeAll(async () => {
    local = await startLocalSecretsManager({ retryDelaysMs: [] });
    client = new SecretsManager({ ...local.clientConfig, maxAttempts: 1 });
    terraform = await startTerraform(program, local.url);
  }, 300_000);
  afterAll(async () => {
    await terraform.stop();
    client.destroy();
    await local.close();
  });

  it('finds what it has made, changes it, and takes it away', async () => {
    const rotate = local.registerFunction('rotate', plainRotation(client));
    const { apply, differs, destroy } = await terraform.workspace('life');
    const one = { description: 'One', tags: { team: 'a' } };
    const root = 'arn:aws:iam::123456789012:root';
    const life = { value: 'a', days: 30, stage: 'blue', region: 'eu-west-1', secret: one, principal: root };
    await apply(lifeOf(life, rotate));
    await local.rotationsSettled();
    expect(await differs()).toBe(false);
    expect(await client.describeSecret({ SecretId: 'life' })).toMatchObject({
      Description: 'One',
      RotationEnabled: true,
      RotationRules: { ScheduleExpression: 'rate(30 days)', Duration: '3h' },
      ReplicationStatus: [{ Region: 'eu-west-1', Status: 'InSync' }],
      Tags: [{ Key: 'team', Value: 'a' }],
    });

    const two = { tags: { team: 'b' }, kms_key_id: 'alias/another' };
    const principal = 'arn:aws:iam::123456789012:user/reader';
    const changed = { value: 'b', days: 7, stage: 'green', region: 'eu-west-2', secret: two, principal };
    await apply(lifeOf(changed, rotate));
    await local.rotationsSettled();
    expect(await differs()).toBe(false);
    const described = await client.describeSecret({ SecretId: 'life' });
    expect(described).toMatchObject({ KmsKeyId: 'alias/another', Tags: [{ Key: 'team', Value: 'b' }] });
    expect(described.ReplicationStatus?.map(({ Region }) => Region)).toEqual(['eu-west-2']);
    expect(Object.values(described.VersionIdsToStages ?? {}).flat()).toContain('green');

    await destroy();
    const { SecretList } = await client.listSecrets({ IncludePlannedDeletion: true });
    expect(SecretList).toEqual([]);
  });

  it('makes a name anew, and takes over what is there', async () => {
    const { ARN = '' } = await client.createSecret({
      Name: 'there',
      Description: 'By hand',
      SecretString: 'v',
    });
    const { apply, differs, destroy } = await terraform.workspace('again');
    const again = { name: 'again', recovery_window_in_days: 7 };
    const there = { name: 'there', description: 'By hand', recovery_window_in_days: 7 };
    const configuration = {
      resource: { aws_secretsmanager_secret: { again, there } },
      import: [{ to: 'aws_secretsmanager_secret.there', id: ARN }],
    };
    expect(await apply(configuration)).toContain('1 imported, 1 added');
    const first = await client.describeSecret({ SecretId: 'again' });
    await client.deleteSecret({ SecretId: 'again', ForceDeleteWithoutRecovery: true });
    expect(await differs()).toBe(true);
    expect(await apply(configuration)).toContain('1 added, 0 changed, 0 destroyed');
    expect((await client.describeSecret({ SecretId: 'again' })).ARN).not.toBe(first.ARN);
    await destroy();
    for (const SecretId of ['again', 'there'])
      expect((await client.describeSecret({ SecretId })).DeletedDate).toBeInstanceOf(Date);
  });

  it('waits for a function that may not be invoked yet, and tells in AWS’s words what is refused', async () => {
    const Name = 'late';
    const { ARN: secret_id } = await client.createSecret({ Name, SecretString: 'v' });
    const { apply } = await terraform.workspace('late');
    let refused = 0;
    local.on((event) => {
      if (event.type !== 'call' || event.operation !== 'RotateSecret' || event.error === undefined) return;
      refused += 1;
      local.registerFunction('late', plainRotation(client));
    });
    const rotation_lambda_arn = 'arn:aws:lambda:us-east-1:123456789012:function:late';
    const rotation = { secret_id, rotation_lambda_arn, rotation_rules: { automatically_after_days: 1 } };
    const policy = { secret_arn: secret_id, policy: policyFor('*'), block_public_policy: true };
    await expect(
      apply({
        resource: {
          aws_secretsmanager_secret_rotation: { late: rotation },
          aws_secretsmanager_secret_policy: { late: policy },
        },
      }),
    ).rejects.toThrow(/PublicPolicyException/);
    await local.rotationsSettled();
    expect(refused).toBeGreaterThan(0);
    expect((await client.describeSecret({ SecretId: Name })).RotationEnabled).toBe(true);
  });
}

if (provider === undefined) it('serves the real Terraform', ({ skip }) => skip(noTerraform));
else describe('the real Terraform', { timeout: 600_000 }, () => describeTerraform(provider));
