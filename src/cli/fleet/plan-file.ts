import { readFile, writeFile } from 'node:fs/promises';
import * as v from 'valibot';
import { counted } from '../../counted.ts';
import { KeyturnError, messageOf } from '../../errors.ts';
import { type FleetPlan, fleetVersion, mostSecretsPerItem, type PlanEntry } from '../../fleet/plan.ts';
import { outputFailed } from '../../render/output-file.ts';
import { shellWord } from '../../shell-word.ts';

const arn = v.pipe(v.string(), v.regex(/^arn:[^:]+:secretsmanager:[^:]+:\d{12}:secret:.+$/));
const date = v.pipe(
  v.string(),
  v.check((text) => !Number.isNaN(Date.parse(text)), 'is no date'),
);
const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const positive = v.pipe(v.number(), v.integer(), v.minValue(1));
const entry = v.object({
  arn,
  name: v.string(),
  token: v.pipe(v.string(), v.minLength(32), v.maxLength(64)),
  rotatedBefore: date,
});
const item = v.object({
  target: v.string(),
  canary: v.optional(v.object({ arn, rotatedBefore: date })),
  perTarget: v.pipe(positive, v.maxValue(40)),
  pollSeconds: positive,
  mostLooks: positive,
  secrets: v.pipe(v.array(entry), v.minLength(1)),
});
const wave = v.object({
  name: v.string(),
  targetsAtOnce: positive,
  toleratedFailures: count,
  items: v.array(item),
});
const reasons = [
  'deleted',
  'no-rotation',
  'no-value',
  'stuck',
  'replica',
  'managed',
  'unreadable',
  'preflight-failed',
] as const;
const schema = v.object({
  version: v.number(),
  id: v.pipe(v.string(), v.regex(/^[\w-]{1,40}$/)),
  madeAt: date,
  secrets: count,
  targets: count,
  perTarget: positive,
  atOnce: positive,
  quotaShare: v.pipe(v.number(), v.gtValue(0), v.maxValue(1)),
  estimatedSeconds: v.number(),
  waves: v.array(wave),
  blocked: v.array(
    v.object({ arn: v.string(), name: v.string(), reason: v.picklist(reasons), detail: v.string() }),
  ),
});

/** Reads a plan from its file. @throws InvalidPlan */
export async function readPlan(file: string): Promise<FleetPlan> {
  let content: unknown;
  try {
    content = JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    throw invalid(
      `${file} can't be read as a plan: ${messageOf(error)}.`,
      'Make one with keyturn fleet plan.',
    );
  }
  const version: unknown = typeof content === 'object' && content !== null && Reflect.get(content, 'version');
  if (typeof version === 'number' && version !== fleetVersion) {
    throw invalid(
      `${file} is a plan of version ${version}, and this Keyturn takes version ${fleetVersion}.`,
      'Make the plan anew.',
    );
  }
  const read = v.safeParse(schema, content);
  if (!read.success) {
    const [issue] = read.issues;
    throw invalid(
      `${file} is no plan: ${v.getDotPath(issue) ?? 'it'}: ${issue.message}.`,
      'Make one with keyturn fleet plan.',
    );
  }
  const { output } = read;
  const plan: FleetPlan = {
    ...output,
    waves: output.waves.map((one) => ({
      ...one,
      items: one.items.map(({ canary, ...rest }) => (canary === undefined ? rest : { ...rest, canary })),
    })),
  };
  const fault = faultOf(plan);
  if (fault !== undefined) throw invalid(`${file} ${fault}.`, 'Make the plan anew.');
  return plan;
}

/** How much the clocks of two machines may differ, in ms. */
const clockToleranceMs = 3_600_000;

/** Finds contradictions in a plan, such as those made by hand. The types of its members are checked before. */
function faultOf({ waves, secrets, targets, madeAt }: FleetPlan): string | undefined {
  const madeBy = Date.parse(madeAt) + clockToleranceMs;
  if (madeBy > Date.now() + 2 * clockToleranceMs) return `was made in the future: ${madeAt}`;
  const entries = new Map<string, PlanEntry>();
  const seen = new Set<string>();
  for (const { name, items } of waves) {
    const inWave = new Set<string>();
    for (const item of items) {
      if (inWave.has(item.target)) return `has the target ${item.target} twice in the wave ${name}`;
      inWave.add(item.target);
      seen.add(item.target);
      if (item.secrets.length > mostSecretsPerItem)
        return `has more than ${mostSecretsPerItem} secrets of ${item.target} in the wave ${name}`;
      const { canary } = item;
      if (canary !== undefined && entries.get(canary.arn)?.rotatedBefore !== canary.rotatedBefore)
        return `names a first secret of ${item.target} that no earlier wave rotates: ${canary.arn}`;
      for (const entry of item.secrets) {
        if (entry.arn.split(':secret:')[1]?.slice(0, -'-AbCdEf'.length) !== entry.name)
          return `has the wrong name for ${entry.arn}`;
        // With such a date, a new rotation would not count.
        if (Date.parse(entry.rotatedBefore) > madeBy) return `has a date for ${entry.name} after it was made`;
      }
    }
    for (const entry of items.flatMap((item) => item.secrets)) {
      if (entries.has(entry.arn)) return `has ${entry.arn} twice`;
      entries.set(entry.arn, entry);
    }
  }
  if (entries.size !== secrets)
    return `says that it has ${counted(secrets, 'secret')}, and has ${entries.size}`;
  if (seen.size !== targets) return `says that it has ${counted(targets, 'target')}, and has ${seen.size}`;
  return undefined;
}

/** The age of a plan in days; undefined if it is younger than a day. Secrets that were made since are not in it. */
export function daysOld({ madeAt }: FleetPlan): number | undefined {
  const days = Math.floor((Date.now() - Date.parse(madeAt)) / 86_400_000);
  return days < 1 ? undefined : days;
}

/** @throws OutputFailed */
export async function writePlan(file: string, plan: FleetPlan): Promise<void> {
  try {
    await writeFile(file, `${JSON.stringify(plan, undefined, 1)}\n`);
  } catch (error) {
    throw outputFailed(file, error);
  }
}

/** The command that runs a plan from this machine, to be copied into a shell. */
export function startCommand(file: string, profiles: readonly string[]): string {
  const options = profiles.map((name) => ` --profile ${shellWord(name)}`).join('');
  return `keyturn fleet start ${shellWord(file)} --here${options}`;
}

function invalid(problem: string, remedy: string): KeyturnError {
  return new KeyturnError('InvalidPlan', problem, remedy);
}
