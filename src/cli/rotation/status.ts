import {
  type PendingValue,
  type Secret,
  type SecretsManagementPort,
  unfinishedVersion,
  type Version,
  valueIn,
} from '../../secrets-manager/port.ts';
import { versionWith } from '../../secrets-manager/staging-labels.ts';
import { describeDate } from './age.ts';
import { type Diagnosis, diagnose } from './diagnosis.ts';
import type { Preflight } from './function.ts';
import { showPreflight, type Tools } from './rotate.ts';
import { type Answer, type Screen, shortId } from './screen.ts';

/** `keyturn status`: tells how a secret's rotation stands, and what to do about it. */
export async function status(
  tools: Tools,
  { secret: secretId, preflight }: { readonly secret: string; readonly preflight: boolean },
): Promise<Answer> {
  const { secrets, screen } = tools;
  const secret = await secrets.describe(secretId);
  const versions = await secrets.versions(secret.arn);
  const nowMs = Date.now();
  const diagnosis = diagnose(secret, await readPending(secrets, secret), nowMs);
  show(screen, secret, versions, nowMs);
  const asked = preflight ? await ask(tools, secret) : undefined;
  showDiagnosis(screen, diagnosis);
  return { ok: true, document: { ...documentOf(secret, versions), ...diagnosis, preflight: asked ?? null } };
}

async function readPending(
  secrets: SecretsManagementPort,
  secret: Secret,
): Promise<PendingValue | undefined> {
  const version = unfinishedVersion(secret);
  if (version === undefined || secret.deletedOn !== undefined) return undefined;
  return valueIn(secrets, secret.arn, version);
}

async function ask({ functions, screen }: Tools, secret: Secret): Promise<Preflight> {
  const current = versionWith(secret.stages, 'AWSCURRENT');
  const preflight: Preflight =
    secret.functionArn === undefined || current === undefined
      ? { outcome: 'unknown', reason: 'The secret has no function, or no current value.' }
      : await functions.preflight(secret.functionArn, secret.arn, current);
  showPreflight(screen, preflight);
  return preflight;
}

function show(screen: Screen, secret: Secret, versions: readonly Version[], nowMs: number): void {
  const { arn, name, rotationEnabled, functionArn, rules, lastRotated, nextRotation } = secret;
  screen.heading(name);
  screen.fact('secret', arn);
  const never = rotationEnabled === undefined ? 'never turned on' : 'off';
  screen.fact('rotation', rotationEnabled === true ? 'on' : never);
  if (functionArn !== undefined) screen.fact('function', functionArn);
  const every = rules?.ScheduleExpression ?? (rules && `every ${rules.AutomaticallyAfterDays} days`);
  const within = rules?.Duration === undefined ? '' : `, in a window of ${rules.Duration}`;
  if (every !== undefined) screen.fact('schedule', `${every}${within}`);
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

function showDiagnosis(screen: Screen, { state, findings, advice }: Diagnosis): void {
  for (const finding of findings) (state === 'healthy' ? screen.good : screen.bad)(finding);
  for (const line of advice) screen.say(`- ${line}`);
}

function documentOf(secret: Secret, versions: readonly Version[]): object {
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
    versions,
  };
}
