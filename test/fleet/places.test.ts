import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateSecretCommand,
  DescribeSecretCommand,
  PutSecretValueCommand,
  RotateSecretCommand,
  SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FleetPlan } from '../../src/fleet/plan.ts';
import { type LocalSecretsManager, startLocalSecretsManager } from '../../src/local/index.ts';
import { runKeyturnAlone } from '../cli/keyturn-process.ts';

const accounts = { shop: '111111111111', bank: '222222222222' } as const;
const regions = ['eu-west-1', 'us-east-1'] as const;

/** Two accounts, each in two regions. The local Secrets Manager knows an account by its access key. */
describe('keyturn fleet in several accounts and regions', () => {
  let local: LocalSecretsManager;
  let folder: string;
  const clients: SecretsManagerClient[] = [];
  const rotations: string[] = [];
  beforeAll(async () => {
    local = await startLocalSecretsManager({ throttle: 'aws', retryDelaysMs: [] });
    folder = await mkdtemp(join(tmpdir(), 'keyturn-fleet-places-'));
    const profiles = Object.entries({ ...accounts, again: accounts.shop }).map(
      ([name, account]) => `[profile ${name}]\naws_access_key_id = ${account}\naws_secret_access_key = any\n`,
    );
    await writeFile(join(folder, 'config'), profiles.join('\n'));
    local.on((event) => {
      if (event.type === 'rotation-succeeded') rotations.push(event.secretArn);
    });
    for (const account of Object.values(accounts))
      for (const region of regions) await addSecrets(account, region);
    rotations.length = 0;
  });
  afterAll(async () => {
    for (const client of clients) client.destroy();
    await rm(folder, { recursive: true });
    await local.close();
  });

  /** Two secrets of two hosts. */
  async function addSecrets(account: string, region: string): Promise<void> {
    const credentials = { accessKeyId: account, secretAccessKey: 'any' };
    const client = new SecretsManagerClient({ endpoint: local.url, region, credentials, maxAttempts: 8 });
    clients.push(client);
    const arn = `arn:aws:lambda:${region}:${account}:function:rotate`;
    const RotationLambdaARN = local.registerFunction(arn, async ({ Step, SecretId, ClientRequestToken }) => {
      if (Step === 'createSecret') {
        const { SecretString, VersionStages } = {
          SecretString: value('db-1'),
          VersionStages: ['AWSPENDING'],
        };
        await client.send(
          new PutSecretValueCommand({ SecretId, ClientRequestToken, SecretString, VersionStages }),
        );
      }
      if (Step !== 'finishSecret') return;
      const { VersionIdsToStages = {} } = await client.send(new DescribeSecretCommand({ SecretId }));
      const RemoveFromVersionId = Object.keys(VersionIdsToStages).find((id) =>
        VersionIdsToStages[id]?.includes('AWSCURRENT'),
      );
      const MoveToVersionId = ClientRequestToken;
      await client.send(
        new UpdateSecretVersionStageCommand({
          ...{ SecretId, VersionStage: 'AWSCURRENT', MoveToVersionId, RemoveFromVersionId },
        }),
      );
    });
    for (const [name, host] of [
      ['a', 'db-1.example.com'],
      ['b', 'DB-1.example.com.'],
    ] as const) {
      const SecretString = value(host);
      const { ARN } = await client.send(new CreateSecretCommand({ Name: `fleet/${name}`, SecretString }));
      const RotationRules = { AutomaticallyAfterDays: 30 };
      await client.send(
        new RotateSecretCommand({
          SecretId: ARN,
          RotationLambdaARN,
          RotationRules,
          RotateImmediately: false,
        }),
      );
    }
    await local.rotationsSettled();
  }

  const value = (host: string): string => {
    const password = randomBytes(12).toString('base64url');
    return JSON.stringify({ engine: 'postgres', host, port: 5432, username: 'app', password });
  };

  async function keyturn(...args: string[]) {
    const variables = { AWS_CONFIG_FILE: join(folder, 'config'), AWS_ENDPOINT_URL: local.url };
    const { code, stdout } = await runKeyturnAlone(variables, 'fleet', ...args, '--json');
    const document: Record<string, unknown> = JSON.parse(stdout);
    return { code, document };
  }

  const everywhere = [
    '--profile',
    'shop',
    '--profile',
    'bank',
    ...regions.flatMap((one) => ['--region', one]),
  ];
  const entriesOf = ({ waves }: FleetPlan) =>
    waves.flatMap(({ items }) => items.flatMap(({ secrets }) => secrets));

  it('plans all of them, with one target for all spellings of a host, and rotates each once', async () => {
    const file = join(folder, 'plan.json');
    const planned = await keyturn('plan', 'fleet/', ...everywhere, '--per-target', '4', '--out', file);
    expect(planned.code).toBe(0);
    const plan: FleetPlan = JSON.parse(await readFile(file, 'utf8'));
    const places = new Set(entriesOf(plan).map(({ arn }) => arn.split(':').slice(3, 5).join(':')));
    expect([...places].sort()).toEqual(
      regions.flatMap((region) => Object.values(accounts).map((account) => `${region}:${account}`)).sort(),
    );
    expect(plan).toMatchObject({ secrets: 8, targets: 1 });
    // Two profiles of one account, and a region twice: each secret is planned once.
    const same = await keyturn(
      'plan',
      '--profile',
      'shop',
      '--profile',
      'again',
      '--regions',
      'eu-west-1,eu-west-1',
    );
    expect(same.document).toMatchObject({ secrets: 2 });

    const lacking = await keyturn('start', file, '--here', '--profile', 'shop', '--profile', 'again');
    expect(lacking).toMatchObject({
      code: 1,
      document: {
        error: { code: 'InvalidConfiguration', message: expect.stringContaining(`account ${accounts.bank}`) },
      },
    });
    expect(rotations).toEqual([]);

    const short = JSON.stringify({
      ...plan,
      waves: plan.waves.map((wave) => ({
        ...wave,
        items: wave.items.map((item) => ({ ...item, pollSeconds: 1, mostLooks: 5 })),
      })),
    });
    await writeFile(file, short);
    const both = ['--profile', 'bank', '--profile', 'shop'];
    const started = await keyturn('start', file, '--here', ...both);
    expect(started.document).toMatchObject({ counts: { rotated: 8 }, failures: [], end: 'finished' });
    expect(started.code).toBe(0);
    expect(new Set(rotations).size).toBe(8);
    expect(rotations).toHaveLength(8);
    const reported = await keyturn('report', file, ...both);
    expect(reported).toMatchObject({ code: 0, document: { counts: { rotated: 8 }, left: [] } });
  }, 60_000);

  it('names the profile and the region whose secrets can not be listed, and plans nothing', async () => {
    const none = await keyturn('plan', '--profile', 'shop', '--profile', 'nobody', '--region', 'eu-west-1');
    expect(none.code).toBe(1);
    expect(none.document).toMatchObject({
      error: {
        code: 'InvalidConfiguration',
        message: expect.stringContaining("--profile names the profile 'nobody'"),
      },
    });
    const end = local.injectFault({ operation: 'ListSecrets', fault: 'AccessDeniedException', times: 1 });
    const refused = await keyturn('plan', ...everywhere);
    end();
    expect(refused.document).toMatchObject({
      error: { code: 'AccessDenied', message: expect.stringContaining('profile shop, eu-west-1: ') },
    });
  });

  it('has Step Functions refuse a plan of several places, and more than one profile', async () => {
    const file = join(folder, 'mixed.json');
    await keyturn('plan', 'fleet/', ...everywhere, '--out', file);
    const arn = `arn:aws:states:eu-west-1:${accounts.shop}:stateMachine:keyturn-fleet`;
    const two = await keyturn(
      'start',
      file,
      '--state-machine',
      arn,
      '--profile',
      'shop',
      '--profile',
      'bank',
    );
    expect(two.code).toBe(2);
    const mixed = await keyturn('start', file, '--state-machine', arn, '--profile', 'shop');
    expect(mixed.document).toMatchObject({
      error: { code: 'FleetUnusable', message: expect.stringContaining('another region or account') },
    });
  });
});
