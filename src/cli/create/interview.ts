import { type NewRotation, type NewSecret, nameProblem } from '../../create/new-secret.ts';
import { readFunction } from '../attach.ts';
import { isUsageError, UsageError } from '../command.ts';
import { makeSchedule, type ScheduleArguments } from '../rotation/schedule.ts';
import type { Prompter } from './prompts.ts';
import { type ComposedValue, composeValue, readText } from './value.ts';
import type { CreateWork } from './work.ts';

/** The secret to be stored, and its value in words. */
export interface Interview {
  readonly secret: NewSecret;
  readonly value: ComposedValue;
}

/**
 * Puts a secret together from options and files and, at a terminal, from answers.
 *
 * @param prompter undefined if nobody can be asked
 * @param asksAll false: ask only for the name and the value
 * @throws UsageError if something is missing or wrong; MalformedSecret, InvalidSecretField for a wrong value
 */
export async function interview(
  work: CreateWork,
  prompter: Prompter | undefined,
  asksAll: boolean,
): Promise<Interview> {
  const value = await composeValue(work, prompter);
  const optional = asksAll ? prompter : undefined;
  const kmsKeyId = work.kmsKeyId ?? (await optional?.line('Encryption key (Enter: aws/secretsmanager)'));
  const name = work.name ?? (await prompter?.line('Name', nameProblem));
  if (name === undefined) throw new UsageError('name the secret');
  const description = work.description ?? (await optional?.line('Description (Enter: none)'));
  const tags = work.tags.size > 0 || optional === undefined ? work.tags : await askTags(optional);
  const resourcePolicy = await readPolicy(work, optional);
  const replicas =
    work.replicas.length > 0 || optional === undefined ? work.replicas : await askReplicas(optional);
  const rotation = await readRotation(work, optional);
  return {
    value,
    secret: {
      name,
      value: value.text,
      description: description || undefined,
      kmsKeyId: kmsKeyId || undefined,
      tags,
      resourcePolicy,
      replicas,
      rotation,
    },
  };
}

async function askTags(prompter: Prompter): Promise<ReadonlyMap<string, string>> {
  const tags = new Map<string, string>();
  for (;;) {
    const text = await prompter.line('Tag, as KEY=VALUE (Enter: no more)', (typed) =>
      typed === '' || /^[^=]+=/.test(typed) ? undefined : 'a key, an equals sign and a value',
    );
    if (text === '') return tags;
    const equals = text.indexOf('=');
    tags.set(text.slice(0, equals), text.slice(equals + 1));
  }
}

async function askReplicas(prompter: Prompter): Promise<NewSecret['replicas']> {
  const text = await prompter.line('Replicate to regions, with spaces between them (Enter: none)', (typed) =>
    /^([a-z]+(-[a-z]+)+-\d+\s*)*$/.test(typed) ? undefined : 'names of regions, such as eu-west-1',
  );
  return text
    .split(/\s+/)
    .filter((region) => region !== '')
    .map((region) => ({ region, kmsKeyId: undefined }));
}

/** Compact JSON. @throws UsageError */
async function readPolicy(
  { policyFile }: CreateWork,
  prompter: Prompter | undefined,
): Promise<string | undefined> {
  const path = policyFile ?? (await prompter?.line('File with its resource policy (Enter: none)'));
  if (path === undefined || path === '') return undefined;
  const text = await readText(path);
  try {
    return JSON.stringify(JSON.parse(text));
  } catch {
    throw new UsageError(`the resource policy in ${path} is not JSON`);
  }
}

async function readRotation(
  { functionArn, schedule, immediately }: CreateWork,
  prompter: Prompter | undefined,
): Promise<NewRotation | undefined> {
  if (functionArn !== undefined) {
    return { functionArn: readFunction(functionArn), schedule: makeSchedule(schedule), immediately };
  }
  if (prompter === undefined) return undefined;
  const arn = await prompter.line('Rotation function, by its ARN (Enter: no rotation)', (text) =>
    text === '' ? undefined : problemOf(() => readFunction(text)),
  );
  if (arn === '') return undefined;
  const made = makeSchedule(await askSchedule(prompter));
  const isAtOnce = await prompter.confirm('Rotate at once, after a test?', immediately);
  return { functionArn: arn, schedule: made, immediately: isAtOnce };
}

async function askSchedule(prompter: Prompter): Promise<ScheduleArguments> {
  for (;;) {
    const every = (await prompter.line('How often to rotate (30d)')) || '30d';
    const atHour = (await prompter.line('Hour of the day in UTC (Enter: any)')) || undefined;
    const window =
      (await prompter.line('Length of the window, such as 2h (Enter: as AWS makes it)')) || undefined;
    const problem = problemOf(() => makeSchedule({ every, atHour, window }));
    if (problem === undefined) return { every, atHour, window };
    prompter.say(`  ${problem}`);
  }
}

function problemOf(read: () => unknown): string | undefined {
  try {
    read();
    return undefined;
  } catch (error) {
    if (isUsageError(error)) return error.message;
    throw error;
  }
}
