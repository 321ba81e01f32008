import { setTimeout as sleep } from 'node:timers/promises';
import type { S3Client } from '@aws-sdk/client-s3';
import type { SFNClient } from '@aws-sdk/client-sfn';
import { isKeyturnError, KeyturnError } from '../../errors.ts';
import { fleetComment } from '../../fleet/definition.ts';
import type { FleetPlan } from '../../fleet/plan.ts';
import { createRedactor } from '../../redact.ts';
import { explainAwsError } from '../../secrets-manager/errors.ts';
import type { PlaceOptions } from '../rotation/arguments.ts';
import { type Clients, connect } from '../rotation/clients.ts';
import { type Answer, type Screen, showing } from '../rotation/screen.ts';
import { readPlan } from './plan-file.ts';
import type { RunWork } from './work.ts';

const watchEveryMs = 3000;

/** `keyturn fleet start --state-machine`: puts the waves into the bucket of the state machine, and starts it. */
export function start(work: RunWork, machineArn: string): Promise<number> {
  return withClients(work, machineArn, async (clients, screen) => {
    const made = await readPlan(work.file);
    requireSamePlace(made, machineArn);
    const sfn = await clients.sfn();
    const bucket = await bucketOf(sfn, machineArn);
    await requireNoOther(sfn, machineArn, made.id);
    screen.progress(`putting ${made.waves.length} waves into ${bucket}`);
    const name = `${made.id}-${Date.now()}`;
    const waves = await putWaves(await clients.s3(), bucket, name, made);
    const input = JSON.stringify({ version: made.version, results: `${name}/results`, waves });
    const { StartExecutionCommand } = await import('@aws-sdk/client-sfn');
    const { executionArn = '' } = await called('states:StartExecution', machineArn, () =>
      sfn.send(new StartExecutionCommand({ stateMachineArn: machineArn, name, input })),
    );
    screen.good(`Started: ${made.secrets} secrets in ${made.waves.length} waves.`);
    screen.say(`- Follow it: keyturn fleet watch ${executionArn}`);
    screen.say(`- Stop it: keyturn fleet stop ${executionArn}`);
    return {
      ok: true,
      document: { plan: made.id, execution: executionArn, bucket, results: `${name}/results` },
    };
  });
}

/** Whoever may write the bucket decides what is rotated, like whoever may start the state machine. */
async function putWaves(s3: S3Client, Bucket: string, name: string, made: FleetPlan): Promise<object[]> {
  const { PutObjectCommand } = await import('@aws-sdk/client-s3');
  const waves: object[] = [];
  for (const [index, { targetsAtOnce, toleratedFailures, items }] of made.waves.entries()) {
    const key = `${name}/wave-${index + 1}.json`;
    const put = new PutObjectCommand({ Bucket, Key: key, Body: JSON.stringify(items) });
    await called('s3:PutObject', `${Bucket}/${key}`, () => s3.send(put));
    waves.push({ key, targetsAtOnce, toleratedFailures });
  }
  return waves;
}

/** `keyturn fleet watch`: follows an execution to its end. The execution does not depend on it. */
export function watch(place: PlaceOptions, executionArn: string): Promise<number> {
  return withClients(place, executionArn, async (clients, screen) => {
    const sfn = await clients.sfn();
    const { DescribeExecutionCommand } = await import('@aws-sdk/client-sfn');
    const onSignal = (): void => {
      process.stderr.write(
        `The run goes on by itself. Follow it again: keyturn fleet watch ${executionArn}\n`,
      );
      process.exit(130);
    };
    process.once('SIGINT', onSignal);
    try {
      let told = '';
      for (;;) {
        const found = await called('states:DescribeExecution', executionArn, () =>
          sfn.send(new DescribeExecutionCommand({ executionArn })),
        );
        const waves = await wavesOf(sfn, executionArn);
        const line = waves
          .map(
            (wave, index) =>
              `wave ${index + 1}: ${wave.succeeded} targets done, ${wave.failed} failed, ${wave.running + wave.pending} to come`,
          )
          .join('; ');
        if (line !== told && line !== '') screen.progress(line);
        told = line;
        if (found.status !== 'RUNNING' && found.status !== 'PENDING_REDRIVE') {
          return ended(
            screen,
            executionArn,
            String(found.status),
            `${found.error ?? ''} ${found.cause ?? ''}`.trim(),
            waves,
          );
        }
        await sleep(watchEveryMs);
      }
    } finally {
      process.off('SIGINT', onSignal);
    }
  });
}

interface WaveCounts {
  readonly succeeded: number;
  readonly failed: number;
  readonly running: number;
  readonly pending: number;
}

async function wavesOf(sfn: SFNClient, executionArn: string): Promise<WaveCounts[]> {
  const { DescribeMapRunCommand, ListMapRunsCommand } = await import('@aws-sdk/client-sfn');
  const { mapRuns = [] } = await called('states:ListMapRuns', executionArn, () =>
    sfn.send(new ListMapRunsCommand({ executionArn })),
  );
  const byTime = mapRuns.toSorted((one, other) => Number(one.startDate) - Number(other.startDate));
  return Promise.all(
    byTime.map(async ({ mapRunArn }) => {
      const { itemCounts } = await called('states:DescribeMapRun', String(mapRunArn), () =>
        sfn.send(new DescribeMapRunCommand({ mapRunArn })),
      );
      const {
        succeeded = 0,
        failed = 0,
        timedOut = 0,
        aborted = 0,
        running = 0,
        pending = 0,
      } = itemCounts ?? {};
      return { succeeded, failed: failed + timedOut + aborted, running, pending };
    }),
  );
}

function ended(
  screen: Screen,
  execution: string,
  status: string,
  reason: string,
  waves: readonly WaveCounts[],
): Answer {
  const failed = waves.reduce((sum, wave) => sum + wave.failed, 0);
  const isWell = status === 'SUCCEEDED' && failed === 0;
  (isWell ? screen.good : screen.bad)(`${status}${reason === '' ? '' : `: ${reason}`}`);
  if (!isWell) {
    screen.say('- What is left: keyturn fleet report PLAN');
    screen.say('- Go on with it: keyturn fleet start PLAN --state-machine ARN');
  }
  return { ok: isWell, document: { execution, status, reason, waves } };
}

/** `keyturn fleet stop`: nothing more begins. Secrets Manager completes the rotations that are under way. */
export function stop(place: PlaceOptions, executionArn: string): Promise<number> {
  return withClients(place, executionArn, async (clients, screen) => {
    const sfn = await clients.sfn();
    const { StopExecutionCommand } = await import('@aws-sdk/client-sfn');
    await called('states:StopExecution', executionArn, () =>
      sfn.send(
        new StopExecutionCommand({ executionArn, error: 'Stopped', cause: 'Stopped by keyturn fleet stop.' }),
      ),
    );
    screen.good('Stopped. Rotations that are under way end by themselves.');
    screen.say('- What is done: keyturn fleet report PLAN');
    return { ok: true, document: { execution: executionArn, outcome: 'stopped' } };
  });
}

/** The bucket that the state machine reads its waves from. @throws FleetUnusable for one of another kind or version */
async function bucketOf(sfn: SFNClient, stateMachineArn: string): Promise<string> {
  const { DescribeStateMachineCommand } = await import('@aws-sdk/client-sfn');
  const { definition = '{}' } = await called('states:DescribeStateMachine', stateMachineArn, () =>
    sfn.send(new DescribeStateMachineCommand({ stateMachineArn })),
  );
  const parsed: unknown = JSON.parse(definition);
  const comment = String(at(parsed, 'Comment') ?? '');
  if (comment !== fleetComment) {
    const isOther = /^Keyturn fleet \d+$/.test(comment);
    throw unusable(
      isOther
        ? `${stateMachineArn} is of another version: ${comment}, and not ${fleetComment}.`
        : `${stateMachineArn} is no state machine of fleet.yaml.`,
      'Deploy fleet.yaml of this version of Keyturn, and name its output FleetStateMachineArn.',
    );
  }
  const reader = at(parsed, 'States', 'Waves', 'ItemProcessor', 'States', 'Targets', 'ItemReader');
  return String(at(reader, 'Parameters', 'Bucket') ?? '');
}

function at(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (inner, name) => (typeof inner === 'object' && inner !== null ? Reflect.get(inner, name) : undefined),
    value,
  );
}

/** A state machine calls Secrets Manager where it is. @throws FleetUnusable */
function requireSamePlace(made: FleetPlan, machineArn: string): void {
  const [, , , region, account] = machineArn.split(':');
  const entries = made.waves.flatMap(({ items }) => items.flatMap(({ secrets }) => secrets));
  const elsewhere = entries.find(({ arn }) => {
    const [, , , ownRegion, ownAccount] = arn.split(':');
    return ownRegion !== region || ownAccount !== account;
  });
  if (elsewhere === undefined) return;
  throw unusable(
    `${elsewhere.arn} is in another region or account than the state machine ${machineArn}.`,
    'Make a plan for each account and region, or start it with --here.',
  );
}

/** @throws FleetUnusable if an execution of the plan is under way */
async function requireNoOther(sfn: SFNClient, stateMachineArn: string, id: string): Promise<void> {
  const { paginateListExecutions } = await import('@aws-sdk/client-sfn');
  await called('states:ListExecutions', stateMachineArn, async () => {
    for await (const { executions = [] } of paginateListExecutions(
      { client: sfn },
      { stateMachineArn, statusFilter: 'RUNNING' },
    )) {
      const other = executions.find(({ name = '' }) => name.startsWith(`${id}-`));
      if (other === undefined) continue;
      throw unusable(
        `The plan is running already: ${other.executionArn}.`,
        `Follow it: keyturn fleet watch ${other.executionArn}`,
      );
    }
  });
}

function unusable(problem: string, remedy: string): KeyturnError {
  return new KeyturnError('FleetUnusable', problem, remedy);
}

async function called<T>(action: string, resource: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (isKeyturnError(error)) throw error;
    const name = error instanceof Error ? error.name : '';
    if (/DoesNotExist$|^NoSuchBucket$|^InvalidArn$/.test(name)) {
      throw unusable(`There is no ${resource}: ${name}.`, 'Check the ARN, the region and the account.');
    }
    throw explainAwsError(error, { action, resource }, 'person');
  }
}

function withClients(
  { endpoint, region, json }: PlaceOptions,
  arn: string,
  work: (clients: Clients, screen: Screen) => Promise<Answer>,
): Promise<number> {
  const clients = connect({ secret: '', endpoint, region: region ?? arn.split(':')[3] }, process.env);
  return showing({ json, redactor: createRedactor() }, (screen) => work(clients, screen));
}
