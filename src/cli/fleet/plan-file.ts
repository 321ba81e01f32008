import { readFile, writeFile } from 'node:fs/promises';
import * as v from 'valibot';
import { KeyturnError, messageOf } from '../../errors.ts';
import { type FleetPlan, fleetVersion } from '../../fleet/plan.ts';
import { outputFailed } from '../../render/output-file.ts';

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

/** Reads the file of a plan. @throws InvalidPlan */
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
  const all = output.waves.flatMap(({ items }) => items.flatMap(({ secrets }) => secrets));
  const seen = new Set<string>();
  const twice = all.find(({ arn: one }) => seen.size === seen.add(one).size);
  if (twice !== undefined) throw invalid(`${file} has ${twice.arn} twice.`, 'Make the plan anew.');
  return {
    ...output,
    waves: output.waves.map((one) => ({
      ...one,
      items: one.items.map(({ canary, ...rest }) => (canary === undefined ? rest : { ...rest, canary })),
    })),
  };
}

/** @throws OutputFailed */
export async function writePlan(file: string, plan: FleetPlan): Promise<void> {
  try {
    await writeFile(file, `${JSON.stringify(plan, undefined, 1)}\n`);
  } catch (error) {
    throw outputFailed(file, error);
  }
}

function invalid(problem: string, remedy: string): KeyturnError {
  return new KeyturnError('InvalidPlan', problem, remedy);
}
