import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  CreateSecretCommand,
  DescribeSecretCommand,
  PutSecretValueCommand,
  RotateSecretCommand,
  SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import { connectedApi } from '../src/cli/fleet/here.ts';
import { fleetVersion, makePlan, type PlannedSecret, quotas } from '../src/fleet/plan.ts';
import { runFleet } from '../src/fleet/run.ts';
import { fastClock, startLocalSecretsManager } from '../src/local/index.ts';
import { type BenchUsage, progress, readCount, runBench } from './support/arguments.ts';
import { describeMachine } from './support/machine.ts';

const usage = {
  name: 'fleet',
  about: `Rotates many secrets as "keyturn fleet start --here" does, over HTTP, at a local Secrets Manager that throttles by
AWS's quotas. All clocks run faster: at a speed of 5, a quota of 50 in a second is one of 250 in a real second. Prints how
much of the quota of writes was used, how many calls were throttled, and the heap on the way.`,
  options: {
    secrets: { type: 'string', default: '10000', placeholder: 'N', about: 'Secrets; 10000 if absent' },
    targets: {
      type: 'string',
      default: '200',
      placeholder: 'N',
      about: 'Hosts that the secrets are for; 200 if absent',
    },
    speed: {
      type: 'string',
      default: '5',
      placeholder: 'N',
      about: 'How much faster the clocks run; 5 if absent',
    },
  },
} as const satisfies BenchUsage;

await runBench(usage, async ({ secrets, targets, speed }) => {
  const data = await bench(
    readCount('secrets', secrets),
    readCount('targets', targets),
    readCount('speed', speed),
  );
  return { text: JSON.stringify(data, undefined, 2), data };
});

async function bench(count: number, targets: number, speed: number): Promise<object> {
  const clock = fastClock(speed);
  const local = await startLocalSecretsManager({ clock, throttle: 'aws', retryDelaysMs: [200, 400, 800] });
  const newClient = () => new SecretsManagerClient({ ...local.clientConfig, maxAttempts: 10 });
  const client = newClient();
  // Each of Lambda's containers has a client of its own, with its own budget of retries. So has each function here.
  const functionClients = Array.from({ length: 40 }, newClient);
  let calls = 0;
  const functionArn = local.registerFunction('fleet', async ({ Step, SecretId, ClientRequestToken }) => {
    calls += 1;
    const functionClient = functionClients[calls % functionClients.length] ?? client;
    if (Step === 'createSecret') {
      const SecretString = randomBytes(24).toString('base64url');
      const VersionStages = ['AWSPENDING'];
      await functionClient.send(
        new PutSecretValueCommand({ SecretId, ClientRequestToken, SecretString, VersionStages }),
      );
    }
    if (Step !== 'finishSecret') return;
    const { VersionIdsToStages = {} } = await functionClient.send(new DescribeSecretCommand({ SecretId }));
    const RemoveFromVersionId = Object.keys(VersionIdsToStages).find((id) =>
      VersionIdsToStages[id]?.includes('AWSCURRENT'),
    );
    const move = {
      SecretId,
      VersionStage: 'AWSCURRENT',
      MoveToVersionId: ClientRequestToken,
      RemoveFromVersionId,
    };
    await functionClient.send(new UpdateSecretVersionStageCommand(move));
  });
  const secrets = await store(client, functionArn, count, targets, speed);
  await local.rotationsSettled();

  /** When PutSecretValue and UpdateSecretVersionStage were called, in ms. */
  const writes: number[] = [];
  /** When RotateSecret was called. */
  const starts: number[] = [];
  let throttled = 0;
  /** Failed attempts, by their error. Each is tried again. */
  const failures = new Map<string, number>();
  local.on((event) => {
    if (event.type === 'rotation-failed') failures.set(event.error, (failures.get(event.error) ?? 0) + 1);
    if (event.type !== 'call') return;
    if (event.error === 'ThrottlingException') throttled += 1;
    else if (event.operation === 'PutSecretValue' || event.operation === 'UpdateSecretVersionStage')
      writes.push(clock.now());
    else if (event.operation === 'RotateSecret') starts.push(clock.now());
  });
  const settings = {
    id: 'bench',
    madeAt: new Date(),
    waves: [100],
    perTarget: 5,
    atOnce: 400,
    toleratedPercent: 0,
    quotaShare: 0.92,
    pollSeconds: 2,
    mostLooks: 300,
  };
  const plan = { version: fleetVersion, ...makePlan(secrets, [], settings, randomUUID) };
  const heaps: number[] = [];
  const result = await runFleet(plan, {
    api: connectedApi(async () => client),
    clock: { now: clock.now, sleep: (ms) => sleep(ms / speed) },
    onProgress: ({ done }) => {
      if (done % Math.ceil(count / 10) !== 0) return;
      globalThis.gc?.();
      heaps.push(Math.round(process.memoryUsage().heapUsed / 1024 / 1024));
      progress(`${done} of ${count}`);
    },
  });
  const seconds = result.durationMs / 1000;
  const outcome = {
    secrets: count,
    rotated: result.counts.rotated,
    failed: result.failures.length,
    maxPerTarget: result.maxPerTarget,
    seconds: Math.round(seconds),
    writesPerSecond: tenths(writes.length / seconds),
    quotaUsedPercent: tenths((writes.length / seconds / quotas.writes) * 100),
    // From the start of the first rotation to the start of the last. The time until the last ones end is left out.
    quotaUsedBetweenPercent: tenths((rateOf(starts) * quotas.writesPerRotation * 100) / quotas.writes),
    mostWritesInASecond: mostInASecond(writes),
    secondsAfterLastStart: tenths((result.durationMs - ((starts.at(-1) ?? 0) - (starts[0] ?? 0))) / 1000),
    throttled,
    failedAttempts: Object.fromEntries(failures),
    heapMb: heaps,
    speed,
    machine: await describeMachine(),
  };
  client.destroy();
  for (const functionClient of functionClients) functionClient.destroy();
  await local.close();
  return outcome;
}

function tenths(value: number): number {
  return Math.round(value * 10) / 10;
}

/** Calls per second between the first and the last. */
function rateOf(times: readonly number[]): number {
  return ((times.length - 1) / ((times.at(-1) ?? 0) - (times[0] ?? 0))) * 1000;
}

/** The most calls in any second. */
function mostInASecond(times: readonly number[]): number {
  let from = 0;
  return times.reduce((most, time, index) => {
    while ((times[from] ?? 0) <= time - 1000) from += 1;
    return Math.max(most, index - from + 1);
  }, 0);
}

/** Stores secrets whose rotation is on, at the pace of AWS's quotas. */
async function store(
  client: SecretsManagerClient,
  RotationLambdaARN: string,
  count: number,
  targets: number,
  speed: number,
): Promise<PlannedSecret[]> {
  const secrets: PlannedSecret[] = [];
  const startedAt = performance.now();
  const add = async (index: number): Promise<void> => {
    const Name = `fleet/${String(index).padStart(6, '0')}`;
    const { ARN: arn = '' } = await client.send(new CreateSecretCommand({ Name, SecretString: 'first' }));
    const RotationRules = { AutomaticallyAfterDays: 30 };
    await client.send(
      new RotateSecretCommand({ SecretId: arn, RotationLambdaARN, RotationRules, RotateImmediately: false }),
    );
    secrets.push({ arn, name: Name, target: `db-${index % targets}`, lastRotated: undefined });
  };
  const underWay = new Set<Promise<void>>();
  for (let index = 0; index < count; index += 1) {
    // 45 secrets in a second: AWS's quota is 50.
    const waitMs = startedAt + (index / (45 * speed)) * 1000 - performance.now();
    if (waitMs > 0) await sleep(waitMs);
    const one: Promise<void> = add(index).finally(() => underWay.delete(one));
    underWay.add(one);
    if (underWay.size >= 50) await Promise.race(underWay);
  }
  await Promise.all(underWay);
  return secrets;
}
