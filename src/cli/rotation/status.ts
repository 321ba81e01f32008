import { counted } from '../../counted.ts';
import { type Diagnosis, diagnose, needsAttention, stepLine } from '../../doctor/diagnosis.ts';
import type { Preflight } from '../../doctor/facts.ts';
import {
  describeSchedule,
  type ListRequest,
  type PendingValue,
  type Secret,
  type SecretsManagerPort,
  unfinishedVersion,
  type Version,
  valueIn,
} from '../../secrets-manager/port.ts';
import { versionWith } from '../../secrets-manager/staging-labels.ts';
import { workAtOnce } from '../at-once.ts';
import { describeDate } from './age.ts';
import type { Chosen } from './arguments.ts';
import { showPreflight, type Tools } from './rotate.ts';
import { type CommandResult, type Screen, shortId } from './screen.ts';

/** `keyturn status`: tells how the rotation of one secret or of all stands, and what to do about it. */
export function status(
  tools: Tools,
  asked: { readonly chosen: Chosen; readonly preflight: boolean },
): Promise<CommandResult> {
  const { chosen, preflight } = asked;
  return 'secret' in chosen
    ? statusOf(tools, chosen.secret, preflight)
    : statusOfAll(tools, chosen, preflight);
}

async function statusOf(tools: Tools, secretId: string, preflight: boolean): Promise<CommandResult> {
  const { secrets, screen } = tools;
  const secret = await secrets.describe(secretId);
  const versions = await secrets.versions(secret.arn);
  const nowMs = Date.now();
  showSecret(screen, secret, versions, nowMs);
  const asked = preflight ? await askPreflight(tools, secret) : undefined;
  if (asked !== undefined) showPreflight(screen, asked);
  const pendingValue = await readPending(secrets, secret);
  const diagnosis = diagnose({ secret, pendingValue, preflight: asked, surroundings: undefined }, nowMs);
  showDiagnosis(screen, diagnosis);
  return {
    // The preflight was asked for, and there is no answer.
    ok: asked?.outcome !== 'unknown',
    needsAttention: needsAttention(diagnosis.state),
    document: { ...documentOf(secret, versions), ...outlineOf(diagnosis), preflight: asked ?? null },
  };
}

/** How many secrets are examined at once. A preflight takes a function's time. */
const examinedAtOnce = 4;

async function statusOfAll(tools: Tools, wanted: ListRequest, preflight: boolean): Promise<CommandResult> {
  const { secrets, screen } = tools;
  screen.progress('looking at all secrets');
  const nowMs = Date.now();
  const looked: {
    readonly secret: Secret;
    readonly diagnosis: Diagnosis;
    readonly asked: Preflight | undefined;
  }[] = [];
  const examine = async (secret: Secret): Promise<void> => {
    const isOn = secret.rotationEnabled === true && secret.functionArn !== undefined;
    const asked = preflight && isOn ? await askPreflight(tools, secret) : undefined;
    const pendingValue = await readPending(secrets, secret);
    const diagnosis = diagnose({ secret, pendingValue, preflight: asked, surroundings: undefined }, nowMs);
    looked.push({ secret, diagnosis, asked });
  };
  await workAtOnce(secrets.list(wanted), examinedAtOnce, examine);
  looked.sort((one, other) => (one.secret.name < other.secret.name ? -1 : 1));

  const counts = new Map<string, number>();
  for (const { secret, diagnosis } of looked) {
    counts.set(diagnosis.state, (counts.get(diagnosis.state) ?? 0) + 1);
    if (!needsAttention(diagnosis.state)) {
      screen.fact(diagnosis.state, secret.name);
      continue;
    }
    screen.bad(`  ${diagnosis.state.padEnd(16)}${secret.name}`);
    const [first] = diagnosis.causes;
    if (first !== undefined) screen.say(`    ${first.problem} ${stepLine(first)}`);
  }
  const attention = looked.filter(({ diagnosis }) => needsAttention(diagnosis.state));
  const unknown = looked.filter(({ asked }) => asked?.outcome === 'unknown');
  const summary = `${attention.length} of ${counted(looked.length, 'secret')} need attention.`;
  (attention.length === 0 ? screen.good : screen.bad)(summary);
  if (attention.length > 0) screen.say('keyturn doctor looks for the causes.');
  if (unknown.length > 0) screen.bad(`${unknown.length} functions could not be asked for a preflight.`);
  return {
    ok: unknown.length === 0,
    needsAttention: attention.length > 0,
    document: {
      secrets: looked.map(({ secret, diagnosis, asked }) => ({
        ...documentOf(secret, undefined),
        ...outlineOf(diagnosis),
        preflight: asked ?? null,
      })),
      states: Object.fromEntries(counts),
      needAttention: attention.length,
    },
  };
}

/** Whether the unfinished version has a value. Undefined if there is no such version, or the secret is deleted. */
export async function readPending(
  secrets: SecretsManagerPort,
  secret: Secret,
): Promise<PendingValue | undefined> {
  const version = unfinishedVersion(secret);
  if (version === undefined || secret.deletedOn !== undefined) return undefined;
  return valueIn(secrets, secret.arn, version);
}

/** Asks a secret's function whether a rotation would succeed. Never throws. */
export async function askPreflight(
  { functions }: Pick<Tools, 'functions'>,
  secret: Secret,
): Promise<Preflight> {
  const current = versionWith(secret.stages, 'AWSCURRENT');
  if (secret.functionArn === undefined || current === undefined) {
    return { outcome: 'unknown', reason: 'The secret has no function, or no current value.' };
  }
  // The function refuses every call about a secret whose rotation is off.
  if (secret.rotationEnabled !== true) {
    return { outcome: 'unknown', reason: 'Rotation is off, and the function looks at nothing then.' };
  }
  return functions.preflight(secret.functionArn, secret.arn, current);
}

/** Shows what DescribeSecret and the list of versions tell. */
function showSecret(screen: Screen, secret: Secret, versions: readonly Version[], nowMs: number): void {
  const { arn, name, rotationEnabled, functionArn, rules, lastRotated, nextRotation } = secret;
  screen.heading(name);
  screen.fact('secret', arn);
  const never = rotationEnabled === undefined ? 'never turned on' : 'off';
  screen.fact('rotation', rotationEnabled === true ? 'on' : never);
  if (functionArn !== undefined) screen.fact('function', functionArn);
  const schedule = describeSchedule(rules);
  if (schedule !== undefined) screen.fact('schedule', schedule);
  screen.fact('last rotated', lastRotated === undefined ? 'never' : describeDate(lastRotated, nowMs));
  if (nextRotation !== undefined)
    screen.fact('next rotation', `${describeDate(nextRotation, nowMs)} at the latest`);
  for (const { id, labels, createdAt } of versions.filter((version) => version.labels.length > 0)) {
    screen.fact(shortId(id), `${labels.join(' ')}, made ${describeDate(createdAt, nowMs)}`);
  }
  const [newest, ...others] = versions.filter((version) => version.labels.length === 0);
  if (newest === undefined) return;
  const age = describeDate(newest.createdAt, nowMs);
  screen.fact('no label', `${others.length + 1} older, the newest (${shortId(newest.id)}) made ${age}`);
}

function showDiagnosis(screen: Screen, diagnosis: Diagnosis): void {
  const { state, findings } = diagnosis;
  for (const finding of findings) (state === 'healthy' ? screen.good : screen.bad)(finding);
  for (const line of adviceOf(diagnosis)) screen.say(`- ${line}`);
}

/** The steps for the causes, most likely first. */
function adviceOf({ causes }: Diagnosis): string[] {
  return causes.map(stepLine);
}

function outlineOf(diagnosis: Diagnosis): object {
  const { state, findings, causes } = diagnosis;
  return { state, findings, advice: adviceOf(diagnosis), causes };
}

/** A secret for --json. */
export function documentOf(secret: Secret, versions: readonly Version[] | undefined): object {
  const { arn, name, rotationEnabled, functionArn, rules, lastRotated, nextRotation } = secret;
  return {
    secret: arn,
    name,
    rotation: {
      enabled: rotationEnabled ?? null,
      function: functionArn ?? null,
      schedule: rules?.ScheduleExpression ?? null,
      everyDays: rules?.ScheduleExpression === undefined ? (rules?.AutomaticallyAfterDays ?? null) : null,
      window: rules?.Duration ?? null,
      lastRotated: lastRotated ?? null,
      nextRotation: nextRotation ?? null,
    },
    ...(versions === undefined ? {} : { versions }),
  };
}
