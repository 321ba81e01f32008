import { setTimeout as sleep } from 'node:timers/promises';
import type { S3Client } from '@aws-sdk/client-s3';
import type { MapRunListItem, SFNClient } from '@aws-sdk/client-sfn';
import { counted } from '../../counted.ts';
import { isKeyturnError, KeyturnError } from '../../errors.ts';
import { fleetComment } from '../../fleet/definition.ts';
import type { FleetPlan } from '../../fleet/plan.ts';
import { createRedactor } from '../../redact.ts';
import { explainAwsError } from '../../secrets-manager/errors.ts';
import type { PlaceOptions } from '../rotation/arguments.ts';
import { type Clients, connect } from '../rotation/clients.ts';
import { type CommandResult, runWithScreen, type Screen } from '../rotation/screen.ts';
import { onEndingSignals } from '../signals.ts';
import { nothingToRotate, tellAge } from './here.ts';
import { daysOld, readPlan } from './plan-file.ts';
import type { ExecutionWork, RunWork } from './work.ts';

const watchEveryMs = 3000;

/** After so many looks in a row without an answer, `watch` gives up. */
const unansweredLooks = 20;

/** `keyturn fleet start --state-machine`: puts the waves into the state machine's bucket, and starts it. */
export function start(work: RunWork, machineArn: string): Promise<number> {
  const place = { ...work, profile: work.profiles[0] };
  return withClients(place, machineArn, async (clients, screen) => {
    const made = await readPlan(work.file);
    const age = daysOld(made);
    tellAge(screen, age);
    if (made.secrets === 0) return nothingToRotate(screen, made);
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
    screen.good(`Started: ${counted(made.secrets, 'secret')} in ${counted(made.waves.length, 'wave')}.`);
    screen.say(`- Follow it: keyturn fleet watch ${executionArn}`);
    screen.say(`- Stop it: keyturn fleet stop ${executionArn}`);
    return {
      ok: true,
      document: {
        plan: made.id,
        planDaysOld: age ?? 0,
        execution: executionArn,
        bucket,
        results: `${name}/results`,
      },
    };
  });
}

/** Anybody who may write this bucket decides which secrets are rotated, like anybody who may start the state machine. */
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

/**
 * `keyturn fleet watch`: follows an execution to its end. A signal ends only the watching; the execution goes on. If AWS
 * does not answer, it tries again for a while.
 */
export async function watch(work: ExecutionWork): Promise<number> {
  const { execution } = work;
  const ended = new AbortController();
  let signalled: number | undefined;
  const stopHearing = onEndingSignals((exitCode) => {
    signalled ??= exitCode;
    ended.abort();
  });
  try {
    const code = await withClients(work, execution, async (clients, screen) => {
      const sfn = await clients.sfn();
      let told = '';
      let seen: Sight | undefined;
      for (let unanswered = 0; !ended.signal.aborted; ) {
        try {
          seen = await lookAt(sfn, execution, ended.signal);
          unanswered = 0;
        } catch (error) {
          if (ended.signal.aborted) break;
          unanswered += 1;
          if (!isTransient(error) || unanswered >= unansweredLooks) throw error;
          screen.bad(`No answer (${error.code}). The run goes on by itself; trying again.`);
        }
        const line = lineOf(seen?.waves ?? []);
        if (line !== told && line !== '') screen.progress(line);
        told = line;
        if (seen?.hasEnded) return answerOf(screen, execution, seen);
        await sleep(watchEveryMs, undefined, { signal: ended.signal }).catch(() => undefined);
      }
      screen.say(`The run goes on by itself. Follow it again: keyturn fleet watch ${execution}`);
      const status = seen?.status ?? 'UNKNOWN';
      return { ok: false, document: { execution, status, interrupted: true, waves: seen?.waves ?? [] } };
    });
    return signalled ?? code;
  } finally {
    // After a signal it keeps listening. Otherwise a second signal would change the exit code.
    if (signalled === undefined) stopHearing();
  }
}

/** The state of an execution, and what its waves have done so far. */
interface Sight {
  readonly status: string;
  readonly hasEnded: boolean;
  readonly reason: string;
  readonly waves: readonly WaveCounts[];
}

async function lookAt(sfn: SFNClient, executionArn: string, abortSignal: AbortSignal): Promise<Sight> {
  const { DescribeExecutionCommand } = await import('@aws-sdk/client-sfn');
  const found = await called('states:DescribeExecution', executionArn, () =>
    sfn.send(new DescribeExecutionCommand({ executionArn }), { abortSignal }),
  );
  const waves = await wavesOf(sfn, executionArn, abortSignal);
  const status = String(found.status);
  return {
    status,
    hasEnded: status !== 'RUNNING' && status !== 'PENDING_REDRIVE',
    reason: `${found.error ?? ''} ${found.cause ?? ''}`.trim(),
    waves,
  };
}

/** Whether the same call may succeed a little later. */
function isTransient(error: unknown): error is KeyturnError {
  return isKeyturnError(error, 'SecretsManagerUnreachable', 'DeadlineExceeded', 'Throttled');
}

function lineOf(waves: readonly WaveCounts[]): string {
  return waves
    .map(
      ({ succeeded, failed, toCome }, index) =>
        `wave ${index + 1}: ${counted(succeeded, 'target')} done, ${failed} failed, ${toCome} to come`,
    )
    .join('; ');
}

/** Targets of a wave. */
interface WaveCounts {
  readonly succeeded: number;
  readonly failed: number;
  /** Under way, or not begun, or waiting to be redriven. */
  readonly toCome: number;
}

async function wavesOf(
  sfn: SFNClient,
  executionArn: string,
  abortSignal: AbortSignal,
): Promise<WaveCounts[]> {
  const { DescribeMapRunCommand, paginateListMapRuns } = await import('@aws-sdk/client-sfn');
  const mapRuns: MapRunListItem[] = [];
  await called('states:ListMapRuns', executionArn, async () => {
    for await (const page of paginateListMapRuns({ client: sfn }, { executionArn }, { abortSignal })) {
      mapRuns.push(...(page.mapRuns ?? []));
    }
  });
  const byTime = mapRuns.toSorted((one, other) => Number(one.startDate) - Number(other.startDate));
  return Promise.all(
    byTime.map(async ({ mapRunArn }) => {
      const { itemCounts } = await called('states:DescribeMapRun', String(mapRunArn), () =>
        sfn.send(new DescribeMapRunCommand({ mapRunArn }), { abortSignal }),
      );
      const {
        succeeded = 0,
        failed = 0,
        timedOut = 0,
        aborted = 0,
        running = 0,
        pending = 0,
        pendingRedrive = 0,
      } = itemCounts ?? {};
      return { succeeded, failed: failed + timedOut + aborted, toCome: running + pending + pendingRedrive };
    }),
  );
}

function answerOf(screen: Screen, execution: string, { status, reason, waves }: Sight): CommandResult {
  const failed = waves.reduce((sum, wave) => sum + wave.failed, 0);
  const isWell = status === 'SUCCEEDED' && failed === 0;
  (isWell ? screen.good : screen.bad)(`${status}${reason === '' ? '' : `: ${reason}`}`);
  if (!isWell) {
    screen.say('- What is left: keyturn fleet report PLAN');
    screen.say('- Go on with it: keyturn fleet start PLAN --state-machine ARN');
    // AWS doesn't redrive an execution that succeeded. It may have succeeded with failures that its plan tolerates.
    if (status !== 'SUCCEEDED')
      screen.say(`- Or continue it where it ended: keyturn fleet redrive ${execution}`);
  }
  return { ok: isWell, document: { execution, status, reason, waves } };
}

/**
 * `keyturn fleet redrive`: continues an execution that failed, was stopped or took too long. In the wave where it ended,
 * the targets that did not succeed begin again. They look first which of their secrets are rotated. Failed targets of
 * earlier waves are left alone, because those waves succeeded.
 *
 * @see https://docs.aws.amazon.com/step-functions/latest/apireference/API_RedriveExecution.html
 * @see https://docs.aws.amazon.com/step-functions/latest/dg/redrive-map-run.html
 */
export function redrive(work: ExecutionWork): Promise<number> {
  const { execution: executionArn } = work;
  return withClients(work, executionArn, async (clients, screen) => {
    const sfn = await clients.sfn();
    const { DescribeExecutionCommand, RedriveExecutionCommand } = await import('@aws-sdk/client-sfn');
    const found = await called('states:DescribeExecution', executionArn, () =>
      sfn.send(new DescribeExecutionCommand({ executionArn })),
    );
    const stateMachineArn = String(found.stateMachineArn);
    await bucketOf(sfn, stateMachineArn);
    if (found.redriveStatus === 'NOT_REDRIVABLE') {
      throw notRedrivable(executionArn, String(found.redriveStatusReason ?? found.status));
    }
    // The name of an execution is the plan's id and the time of its start.
    await requireNoOther(sfn, stateMachineArn, String(found.name).replace(/-\d+$/, ''));
    // The SDK adds a token to the request, so that its own retries count once.
    const { redriveDate } = await called('states:RedriveExecution', executionArn, () =>
      sfn.send(new RedriveExecutionCommand({ executionArn })),
    );
    screen.good('Redriven: it continues where it ended.');
    screen.say(`- Follow it: keyturn fleet watch ${executionArn}`);
    return {
      ok: true,
      document: {
        execution: executionArn,
        outcome: 'redriven',
        redriveDate: redriveDate?.toISOString() ?? null,
        redriveCount: (found.redriveCount ?? 0) + 1,
      },
    };
  });
}

/** @param reason of DescribeExecution or RedriveExecution, such as `Execution is SUCCEEDED and cannot be redriven` */
function notRedrivable(executionArn: string, reason: string): KeyturnError {
  const isRunning = /RUNNING|PENDING_REDRIVE/.test(reason);
  return new KeyturnError(
    'FleetNotRedrivable',
    `${executionArn} can't be redriven: ${reason.replace(/[.\s]*$/, '.')}`,
    isRunning
      ? `Follow it: keyturn fleet watch ${executionArn}`
      : 'Start its plan again; secrets that are rotated are left alone: keyturn fleet start PLAN --state-machine ARN',
  );
}

/** `keyturn fleet stop`: nothing more begins. Secrets Manager completes the rotations that are under way. */
export function stop(work: ExecutionWork): Promise<number> {
  const { execution: executionArn } = work;
  return withClients(work, executionArn, async (clients, screen) => {
    const sfn = await clients.sfn();
    const { StopExecutionCommand } = await import('@aws-sdk/client-sfn');
    await called('states:StopExecution', executionArn, () =>
      sfn.send(
        new StopExecutionCommand({ executionArn, error: 'Stopped', cause: 'Stopped by keyturn fleet stop.' }),
      ),
    );
    screen.good('Stopped. Rotations that are under way end by themselves.');
    screen.say('- What is done: keyturn fleet report PLAN');
    screen.say(`- Go on with it: keyturn fleet redrive ${executionArn}`);
    return { ok: true, document: { execution: executionArn, outcome: 'stopped' } };
  });
}

/** The bucket from which a state machine reads its waves. @throws FleetUnusable if it isn't a fleet of this version */
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
        ? `${stateMachineArn} is of another version: ${comment}, not ${fleetComment}.`
        : `${stateMachineArn} is not a state machine of fleet.yaml.`,
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

/** A state machine can call Secrets Manager only in its own account and region. @throws FleetUnusable */
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
    throw refusalOf(error, resource) ?? explainAwsError(error, { action, resource }, 'person');
  }
}

/**
 * Keyturn's error for an error of Step Functions or S3; undefined for any other error.
 *
 * @see https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html#API_StartExecution_Errors
 * @see https://docs.aws.amazon.com/step-functions/latest/apireference/API_RedriveExecution.html#API_RedriveExecution_Errors
 */
function refusalOf(error: unknown, resource: string): KeyturnError | undefined {
  if (!(error instanceof Error)) return undefined;
  const { name, message } = error;
  if (/DoesNotExist$|^NoSuchBucket$|^InvalidArn$/.test(name)) {
    return unusable(`There is no ${resource}: ${name}.`, 'Check the ARN, the region and the account.');
  }
  switch (name) {
    case 'ExecutionNotRedrivable':
      return notRedrivable(resource, message);
    case 'ExecutionLimitExceeded':
      return new KeyturnError(
        'Throttled',
        `Too many executions are open in this account and region: ${message}`,
        'Try again when some have ended, or have AWS raise the quota.',
      );
    case 'StateMachineDeleting':
      return unusable(`${resource} is being deleted.`, 'Deploy fleet.yaml again.');
    case 'KmsAccessDeniedException':
    case 'KmsInvalidStateException':
    case 'KmsThrottlingException':
      return unusable(
        `Step Functions can't use the KMS key of ${resource}: ${message}`,
        'Allow kms:Decrypt and kms:GenerateDataKey under that key, and see that it is enabled.',
      );
    default:
      return undefined;
  }
}

function withClients(
  { endpoint, region, json, profile }: PlaceOptions & { readonly profile?: string | undefined },
  arn: string,
  work: (clients: Clients, screen: Screen) => Promise<CommandResult>,
): Promise<number> {
  const target = { secret: '', endpoint, region: region ?? arn.split(':')[3], profile };
  return runWithScreen({ json, redactor: createRedactor() }, (screen) =>
    work(connect(target, process.env), screen),
  );
}
