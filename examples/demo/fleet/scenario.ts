import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  CreateSecretCommand,
  DescribeSecretCommand,
  RotateSecretCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { KeyturnError } from '../../../src/errors.ts';
import { fleetVersion, makePlan, type PlannedSecret } from '../../../src/fleet/plan.ts';
import { type FleetApi, runFleet } from '../../../src/fleet/run.ts';
import { createRotationHandler, type Rotator } from '../../../src/index.ts';
import { startLocalSecretsManager } from '../../../src/local/index.ts';
import type { Screen } from '../screen.ts';

/** The demo's result, which --json prints. */
export interface FleetOutcome {
  readonly secrets: number;
  readonly rotated: number;
  readonly failed: number;
  /** The most rotations that were under way at one host at the same time, as the hosts counted. */
  readonly maxPerTarget: number;
  /** Calls of Secrets Manager during the run, per second. */
  readonly secretsManagerCallsPerSecond: number;
}

export interface FleetScenario {
  readonly screen: Screen;
  readonly resources: AsyncDisposableStack;
  readonly ending: AbortSignal;
}

const secretCount = 120;
const hosts = 12;
const perTarget = 2;

/**
 * Rotates 120 secrets of 12 hosts in waves, as `keyturn fleet start --here` does, at a local Secrets Manager that throttles
 * as AWS does. The hosts are stand-ins in this process, because the demo is about the fleet.
 */
export async function playFleet({ screen, resources, ending }: FleetScenario): Promise<FleetOutcome> {
  const local = await startLocalSecretsManager({ throttle: 'aws' });
  resources.defer(() => local.close());
  const [client, functionClient] = [newClient(), newClient()];
  function newClient(): SecretsManagerClient {
    const made = new SecretsManagerClient({ ...local.clientConfig, maxAttempts: 10 });
    resources.defer(() => made.destroy());
    return made;
  }
  const targets = createTargets();
  const handler = createRotationHandler({
    rotators: [targets.rotator],
    client: functionClient,
    environment: {},
  });
  const functionArn = local.registerFunction('keyturn-demo', handler);

  screen.progress(`storing ${secretCount} secrets of ${hosts} hosts`);
  const planned: PlannedSecret[] = [];
  for (let index = 0; index < secretCount; index += 1) {
    const host = `db-${String((index % hosts) + 1).padStart(2, '0')}`;
    const Name = `demo/${host}/app-${index}`;
    const SecretString = JSON.stringify(targets.addAccount(host, `app-${index}`));
    const { ARN: arn = '' } = await client.send(new CreateSecretCommand({ Name, SecretString }));
    const RotationRules = { AutomaticallyAfterDays: 30 };
    await client.send(
      new RotateSecretCommand({
        SecretId: arn,
        RotationLambdaARN: functionArn,
        RotationRules,
        RotateImmediately: false,
      }),
    );
    planned.push({ arn, name: Name, target: host, lastRotated: undefined });
  }
  await local.rotationsSettled();
  ending.throwIfAborted();

  const settings = {
    id: 'demo',
    madeAt: new Date(),
    waves: ['canary', 20, 100] as const,
    perTarget,
    atOnce: hosts * perTarget,
    toleratedPercent: 10,
    quotaShare: 0.92,
    pollSeconds: 1,
  };
  const plan = { version: fleetVersion, ...makePlan(planned, [], settings, randomUUID) };
  screen.heading('Plan', `${plan.secrets} secrets of ${plan.targets} hosts, ${perTarget} of a host at once`);
  for (const { name, items } of plan.waves) {
    screen.fact(name, `${items.reduce((sum, item) => sum + item.secrets.length, 0)} secrets`);
  }
  let calls = 0;
  const end = local.on(({ type }) => {
    if (type === 'call') calls += 1;
  });
  let wave = '';
  const result = await runFleet(plan, {
    api: apiOf(client),
    clock: { now: () => performance.now(), sleep: (ms) => sleep(ms) },
    stop: ending,
    onProgress: (progress) => {
      if (progress.wave === wave) return;
      wave = progress.wave;
      screen.progress(`wave ${wave}`);
    },
  });
  end();
  const outcome: FleetOutcome = {
    secrets: secretCount,
    rotated: result.counts.rotated,
    failed: result.failures.length,
    maxPerTarget: targets.mostAtOnce(),
    secretsManagerCallsPerSecond: Math.round((calls / (result.durationMs / 1000)) * 10) / 10,
  };
  screen.heading('Summary', `after ${(result.durationMs / 1000).toFixed(1)} s`);
  screen.fact('rotated', `${outcome.rotated} of ${outcome.secrets}, ${outcome.failed} failed`);
  screen.fact('at a host', `at most ${outcome.maxPerTarget} at once`);
  screen.fact('throttled', `${result.throttled} calls`);
  return outcome;
}

function apiOf(client: SecretsManagerClient): FleetApi {
  const explained = (error: unknown): never => {
    throw new KeyturnError('SecretsManagerFailed', String(error), 'Look at the message.', { cause: error });
  };
  return {
    describe: async (SecretId) => {
      const found = await client.send(new DescribeSecretCommand({ SecretId })).catch(explained);
      return {
        deletedOn: found.DeletedDate?.toISOString(),
        lastRotated: found.LastRotatedDate?.toISOString(),
        rotationEnabled: found.RotationEnabled,
      };
    },
    rotate: async (SecretId, ClientRequestToken) => {
      await client.send(new RotateSecretCommand({ SecretId, ClientRequestToken })).catch(explained);
    },
  };
}

interface Login {
  readonly host: string;
  readonly username: string;
  readonly password: string;
}

/** Hosts whose passwords are in this process. A change takes some time there, as at a real one. */
function createTargets() {
  const passwords = new Map<string, string>();
  const underWay = new Map<string, number>();
  let most = 0;
  const keyOf = ({ username, host }: Login): string => `${username}@${host}`;
  const rotator: Rotator = {
    kind: 'changes',
    name: 'demo',
    engines: ['demo'],
    overlap: 'none',
    changedBy: 'account',
    parse: ({ host, username, password }): Login => ({
      host: String(host),
      username: String(username),
      password: String(password),
    }),
    target: ({ host, username }: Login) => ({ host, account: username }),
    generate: async (_current: Login, { password }) => ({ password: password({}) }),
    open: async (login: Login) =>
      passwords.get(keyOf(login)) === login.password ? { close: async () => undefined } : undefined,
    change: async (_session, pending: Login) => {
      const count = (underWay.get(pending.host) ?? 0) + 1;
      underWay.set(pending.host, count);
      most = Math.max(most, count);
      await sleep(50);
      passwords.set(keyOf(pending), pending.password);
      underWay.set(pending.host, (underWay.get(pending.host) ?? 1) - 1);
    },
  };
  return {
    rotator,
    addAccount: (host: string, username: string): Login & { readonly engine: string } => {
      const login = { engine: 'demo', host, username, password: randomBytes(12).toString('base64url') };
      passwords.set(keyOf(login), login.password);
      return login;
    },
    mostAtOnce: () => most,
  };
}
