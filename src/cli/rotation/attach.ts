import { randomUUID } from 'node:crypto';
import { defaultConfiguration, readVariables } from '../../configuration.ts';
import { hasFailed } from '../../doctor/diagnosis.ts';
import { KeyturnError } from '../../errors.ts';
import { type RotationRules, type Secret, unfinishedVersion } from '../../secrets-manager/port.ts';
import { shellWord } from '../../shell-word.ts';
import { type DocumentFacts, lookAtDocument } from './document.ts';
import { awaitTestEnd } from './follow.ts';
import type { Preflight } from './function.ts';
import { requireNotDeleted, rotateAndFollow, showPreflight, type Tools } from './rotate.ts';
import type { Schedule } from './schedule.ts';
import type { CommandResult, Screen } from './screen.ts';

/** A rotation to be set up. */
export interface Attachment {
  readonly secret: string;
  readonly functionArn: string;
  readonly schedule: Schedule;
  /** Whether to rotate at once. */
  readonly immediately: boolean;
  /** How long to wait for the test, and then again for the rotation. */
  readonly timeoutMs: number;
}

/**
 * `keyturn attach`: looks at everything first, sets function and schedule with a test, and rotates. If the function says
 * that a rotation would fail, or the test doesn't end in time, the secret's rotation is put back as it was.
 *
 * @throws SecretNotFound, SecretMarkedForDeletion, VersionNotPending, FunctionUnusable, PreflightFailed, those of
 *   {@link lookAtDocument}, and errors of the calls of AWS
 */
export async function attach(tools: Tools, attachment: Attachment): Promise<CommandResult> {
  const { secrets, screen } = tools;
  const secret = await secrets.describe(attachment.secret);
  screen.heading(secret.name);
  requireNoRotationUnderWay(secret);
  const { document, notes } = await examine(tools, secret, attachment);
  showPlan(screen, { secret, document, notes }, attachment);
  const preflight = await configure(tools, secret, attachment, document.versionId);
  const facts = { ...describeAttachment(secret, attachment, document), notes, preflight };
  if (hasFailed(preflight)) return { ok: false, document: { ...facts, outcome: 'failed' } };
  screen.good(`Attached: ${secret.name} rotates ${attachment.schedule.words}.`);
  if (!attachment.immediately) return { ok: true, document: { ...facts, outcome: 'attached' } };
  const rotation = await rotateAndFollow(tools, await secrets.describe(secret.arn), attachment.timeoutMs);
  return {
    ok: rotation.outcome === 'succeeded',
    document: { ...facts, outcome: rotation.outcome, rotation },
  };
}

interface Examined {
  readonly document: DocumentFacts;
  readonly notes: readonly string[];
}

/** Changes nothing. */
async function examine(tools: Tools, secret: Secret, { functionArn }: Attachment): Promise<Examined> {
  tools.screen.progress('looking at the function and at the secret');
  const { variables, notes } = await tools.functions.look(functionArn);
  const configuration = { ...defaultConfiguration, ...readVariables(variables) };
  const document = await lookAtDocument(tools.secrets, secret, configuration);
  if (document.served !== undefined) return { document, notes };
  const note =
    'None of the rotators that come with Keyturn serves it: the function must have one of its own.';
  return { document, notes: [...notes, note] };
}

function showPlan(
  screen: Screen,
  { secret, document, notes }: Examined & { readonly secret: Secret },
  { functionArn, schedule, immediately }: Attachment,
): void {
  const { form, served } = document;
  screen.fact('secret', secret.arn);
  screen.fact('kept as', form);
  if (served !== undefined) {
    screen.fact('served by', `the rotator ${served.rotator}, for ${served.account} at ${served.place}`);
  }
  screen.fact('function', functionArn);
  screen.fact(
    'now',
    secret.rotationEnabled === true ? `rotation is on, by ${secret.functionArn}` : 'rotation is off',
  );
  screen.fact('schedule', `${schedule.words}: ${schedule.expression}`);
  screen.fact('first rotation', immediately ? 'at once, after a test' : 'by the schedule; only a test now');
  for (const note of notes) screen.fact('note', note);
}

/** Sets function and schedule with RotateImmediately=false, which tests the function. Takes that back if it fails. */
async function configure(
  tools: Tools,
  secret: Secret,
  { functionArn, schedule, timeoutMs }: Attachment,
  currentVersion: string,
): Promise<Preflight> {
  const { secrets, functions, screen } = tools;
  const token = randomUUID();
  const rules = { ScheduleExpression: schedule.expression, Duration: schedule.duration };
  screen.progress('setting function and schedule, and testing the function');
  const started = await secrets.rotate(secret.arn, { token, functionArn, rules, immediately: false });
  if (started === 'reattempts') throw unfinishedRotation(secret);
  const preflight = await functions.preflight(functionArn, secret.arn, currentVersion);
  showPreflight(screen, preflight);
  const mayStay = !hasFailed(preflight);
  if (mayStay && (await awaitTestEnd(secrets, { secretArn: secret.arn, version: token, timeoutMs })))
    return preflight;
  await restore(tools, secret, token);
  if (!mayStay) return preflight;
  throw new KeyturnError(
    'PreflightFailed',
    `Secrets Manager's own test of the function did not end within ${timeoutMs / 1000} s, and was given up.`,
    "Look at the function's log, or give it more time with --timeout.",
  );
}

/** Ends the test, and puts rotation back as it was. */
async function restore({ secrets, screen }: Tools, before: Secret, testVersion: string): Promise<void> {
  await secrets.cancelRotation(before.arn);
  // CancelRotateSecret leaves the labels as they are. The test's version is a copy of AWSCURRENT, so nothing is lost.
  const { stages } = await secrets.describe(before.arn);
  if (stages[testVersion]?.includes('AWSPENDING'))
    await secrets.moveLabel(before.arn, 'AWSPENDING', { from: testVersion });
  if (before.rotationEnabled !== true) {
    screen.bad('Nothing was rotated, and rotation is off again.');
    return;
  }
  const { functionArn, rules } = before;
  await secrets.rotate(before.arn, {
    token: randomUUID(),
    functionArn,
    rules: asRequest(rules),
    immediately: false,
  });
  screen.bad('Nothing was rotated, and rotation is on as it was before.');
}

/** DescribeSecret may tell both a schedule expression and days. RotateSecret takes only one of them. */
function asRequest(rules: RotationRules | undefined): RotationRules | undefined {
  if (rules?.ScheduleExpression === undefined) return rules;
  const { ScheduleExpression, Duration } = rules;
  return { ScheduleExpression, Duration };
}

function describeAttachment(
  { arn }: Secret,
  { functionArn, schedule }: Attachment,
  { form, served }: DocumentFacts,
): object {
  const { expression, duration = null } = schedule;
  return {
    secret: arn,
    function: functionArn,
    form,
    rotator: served?.rotator ?? null,
    schedule: { expression, duration },
  };
}

/** During a rotation, Secrets Manager would set nothing, and continue that rotation instead. */
function requireNoRotationUnderWay(secret: Secret): void {
  requireNotDeleted(secret);
  if (unfinishedVersion(secret) !== undefined) throw unfinishedRotation(secret);
}

function unfinishedRotation({ name }: Secret): KeyturnError {
  return new KeyturnError(
    'VersionNotPending',
    `A rotation of ${name} is under way, or stuck: AWSPENDING is on a version that is not AWSCURRENT.`,
    `Complete it first: keyturn rotate ${shellWord(name)}. Then attach.`,
  );
}
