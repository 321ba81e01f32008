import { counted } from '../../counted.ts';
import {
  type Diagnosis,
  diagnose,
  type FoundCause,
  needsAttention,
  stepLine,
} from '../../doctor/diagnosis.ts';
import { isKeyturnError } from '../../errors.ts';
import { type Secret, unfinishedVersion, valueIn } from '../../secrets-manager/port.ts';
import type { Chosen } from '../rotation/arguments.ts';
import { rotateAndFollow, type Tools } from '../rotation/rotate.ts';
import type { CommandResult } from '../rotation/screen.ts';
import { askPreflight, documentOf, readPending } from '../rotation/status.ts';
import { lookAround } from './surroundings.ts';

/** What the command line asks for. */
export interface DoctorWork {
  readonly chosen: Chosen;
  /** If all secrets are examined: also those that look healthy. */
  readonly healthyToo: boolean;
  readonly fix: boolean;
  readonly preflight: boolean;
  /** How long to follow a rotation that --fix has started. */
  readonly timeoutMs: number;
}

/** `keyturn doctor`: examines one secret, or all that are stuck or overdue. */
export async function doctor(tools: Tools, work: DoctorWork): Promise<CommandResult> {
  const { chosen } = work;
  if ('secret' in chosen) {
    const examined = await examineAndFix(tools, await tools.secrets.describe(chosen.secret), work);
    return { ok: true, needsAttention: examined.needsAttention, document: examined.document };
  }
  const examined: Examined[] = [];
  let looked = 0;
  tools.screen.progress('looking at all secrets');
  for await (const secret of tools.secrets.list(chosen)) {
    looked += 1;
    const { state } = diagnose(
      { secret, pendingValue: undefined, preflight: undefined, surroundings: undefined },
      Date.now(),
    );
    if (needsAttention(state) || work.healthyToo) examined.push(await examineAndFix(tools, secret, work));
  }
  const attention = examined.filter((one) => one.needsAttention).length;
  (attention === 0 ? tools.screen.good : tools.screen.bad)(
    `${attention} of ${counted(looked, 'secret')} need attention.`,
  );
  return {
    ok: true,
    needsAttention: attention > 0,
    document: { secrets: examined.map(({ document }) => document), looked, needAttention: attention },
  };
}

interface Examined {
  readonly needsAttention: boolean;
  readonly document: object;
}

async function examineAndFix(tools: Tools, secret: Secret, work: DoctorWork): Promise<Examined> {
  const { screen, secrets } = tools;
  screen.heading(secret.name);
  const first = await examine(tools, secret, work);
  show(tools, first);
  if (!work.fix) return examinedOf(secret, first);
  const fixed = await fix(tools, secret, first.diagnosis, work);
  if (fixed.done === null) return { ...examinedOf(secret, first, fixed) };
  const after = await secrets.describe(secret.arn);
  const second = await examine(tools, after, work);
  if (needsAttention(second.diagnosis.state)) show(tools, second);
  else screen.good(`${secret.name} is ${second.diagnosis.state} now.`);
  return examinedOf(after, second, fixed);
}

interface Examination {
  readonly diagnosis: Diagnosis;
  /** What could not be looked at. */
  readonly notes: readonly string[];
}

async function examine(tools: Tools, secret: Secret, { preflight }: DoctorWork): Promise<Examination> {
  const { clients, secrets, screen } = tools;
  screen.progress('looking at the secret, its function, log, network and key');
  const [pendingValue, seen] = await Promise.all([
    secret.deletedOn === undefined ? readPending(secrets, secret) : undefined,
    lookAround(clients, secret),
  ]);
  const mayAsk = seen.surroundings.function !== 'missing' && secret.rotationEnabled === true;
  if (preflight && mayAsk) screen.progress('having the function look at the target');
  const asked = preflight && mayAsk ? await askPreflight(tools, secret) : undefined;
  const facts = { secret, pendingValue, preflight: asked, surroundings: seen.surroundings };
  const unasked =
    asked?.outcome === 'unknown' ? [`The function could not be asked about the target. ${asked.reason}`] : [];
  return { diagnosis: diagnose(facts, Date.now()), notes: [...seen.notes, ...unasked] };
}

function show({ screen }: Tools, { diagnosis, notes }: Examination): void {
  const { state, findings, causes } = diagnosis;
  for (const finding of findings) (needsAttention(state) ? screen.bad : screen.good)(finding);
  for (const [index, cause] of causes.entries()) {
    screen.say(`${index + 1}. ${cause.cause} (${cause.likelihood}): ${cause.problem}`);
    screen.say(`   seen: ${cause.evidence}`);
    screen.say(`   step: ${stepLine(cause)}`);
  }
  for (const note of notes) screen.fact('not seen', note);
}

/** What --fix did. If it did nothing, `done` is null and `reason` says why. */
interface Fixed {
  readonly done: string | null;
  readonly outcome: string | null;
  readonly reason: string | null;
}

/**
 * Does the step of the most likely cause, if Keyturn can do it without losing a value. If only a person can mend that
 * cause, nothing is done: the causes after it may be its consequences.
 */
async function fix(tools: Tools, secret: Secret, { causes }: Diagnosis, work: DoctorWork): Promise<Fixed> {
  const [first] = causes;
  const nothing = (reason: string): Fixed => {
    tools.screen.say(`Nothing is fixed: ${reason}`);
    return { done: null, outcome: null, reason };
  };
  if (first === undefined) return nothing('no cause was found.');
  if (first.fix === null) return nothing(`${first.cause} is for a person to mend.`);
  try {
    return first.fix === 'rotate'
      ? await rotateAgain(tools, secret, work, first)
      : await clearEmptyPending(tools, secret, nothing);
  } catch (error) {
    if (!isKeyturnError(error)) throw error;
    return nothing(error.message);
  }
}

async function rotateAgain(
  tools: Tools,
  secret: Secret,
  work: DoctorWork,
  { fix: done }: FoundCause,
): Promise<Fixed> {
  const { outcome } = await rotateAndFollow(tools, secret, work.timeoutMs);
  return { done, outcome, reason: null };
}

/** Reads the secret again first: meanwhile, somebody may have stored a value or turned rotation on. */
async function clearEmptyPending(
  tools: Tools,
  { arn }: Secret,
  nothing: (why: string) => Fixed,
): Promise<Fixed> {
  const { secrets, screen } = tools;
  const secret = await secrets.describe(arn);
  const version = unfinishedVersion(secret);
  if (version === undefined) return nothing('AWSPENDING is no longer on that version.');
  if (secret.rotationEnabled === true) return nothing('rotation is on again.');
  if ((await valueIn(secrets, arn, version)) !== 'empty')
    return nothing('the version has a value, which may be live.');
  await secrets.moveLabel(arn, 'AWSPENDING', { from: version });
  screen.good(`AWSPENDING was taken off version ${version}, which has no value.`);
  return { done: 'clear-empty-pending', outcome: 'succeeded', reason: null };
}

function examinedOf(secret: Secret, { diagnosis, notes }: Examination, fixed?: Fixed): Examined {
  const { state, findings, causes } = diagnosis;
  return {
    needsAttention: needsAttention(state),
    document: {
      ...documentOf(secret, undefined),
      state,
      findings,
      causes,
      notSeen: notes,
      ...(fixed === undefined ? {} : { fixed }),
    },
  };
}
