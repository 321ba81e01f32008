import { randomUUID } from 'node:crypto';
import { clearPendingCommand, restoreCommand, tailLogCommand } from '../../doctor/causes.ts';
import { hasFailed } from '../../doctor/diagnosis.ts';
import { KeyturnError } from '../../errors.ts';
import { type Secret, type SecretsManagementPort, unfinishedVersion } from '../../secrets-manager/port.ts';
import { versionWith } from '../../secrets-manager/staging-labels.ts';
import type { Clients } from './clients.ts';
import { type Followed, followRotation } from './follow.ts';
import type { FunctionApi, Preflight } from './function.ts';
import { type CommandResult, type Screen, shortId, showOutcome, showStep } from './screen.ts';

/** What the commands work with: AWS's clients, and a screen. */
export interface Tools {
  readonly clients: Clients;
  readonly secrets: SecretsManagementPort;
  readonly functions: FunctionApi;
  readonly screen: Screen;
}

/** A rotation as it was followed. If it did not succeed, `preflight` is what the function said afterwards. */
export interface RotationAnswer extends Followed {
  readonly preflight?: Preflight;
}

/**
 * `keyturn rotate`: starts a rotation, or continues an unfinished one, and follows it. If rotation was turned off while it
 * was unfinished, RotateSecret turns it on again.
 *
 * @throws RotationNotEnabled, SecretMarkedForDeletion, and errors of the calls of Secrets Manager
 */
export async function rotate(
  tools: Tools,
  { secret: secretId, timeoutMs }: { readonly secret: string; readonly timeoutMs: number },
): Promise<CommandResult> {
  const secret = await tools.secrets.describe(secretId);
  requireRotation(secret);
  tools.screen.heading(secret.name);
  if (secret.rotationEnabled !== true) tools.screen.progress('turning rotation on again');
  const rotation = await rotateAndFollow(tools, secret, timeoutMs);
  const document = { secret: secret.arn, ...rotation };
  return { ok: rotation.outcome === 'succeeded', document };
}

/** Starts a rotation of a secret whose rotation is on, and follows it for at most `timeoutMs`. */
export async function rotateAndFollow(
  tools: Tools,
  secret: Secret,
  timeoutMs: number,
): Promise<RotationAnswer> {
  const { secrets, screen } = tools;
  const token = randomUUID();
  const isNew = (await secrets.rotate(secret.arn, { token, immediately: true })) === 'started';
  const unfinished = isNew ? undefined : unfinishedVersion(secret);
  const version = unfinished ?? token;
  screen.progress(
    unfinished === undefined
      ? `rotating to version ${shortId(version)}`
      : `an earlier rotation is not complete: Secrets Manager tries it again, with version ${shortId(version)}`,
  );
  const followed = await followRotation(secrets, {
    secretArn: secret.arn,
    version,
    before: secret,
    timeoutMs,
    onStep: (sighting) => showStep(screen, sighting),
  });
  showOutcome(screen, followed);
  return followed.outcome === 'succeeded' ? followed : { ...followed, ...(await askWhy(tools, secret.arn)) };
}

/** Secrets Manager keeps no error of a rotation, so the function is asked for a preflight. */
async function askWhy(
  { secrets, functions, screen }: Tools,
  secretArn: string,
): Promise<Pick<RotationAnswer, 'preflight'>> {
  const { functionArn, stages } = await secrets.describe(secretArn);
  const current = versionWith(stages, 'AWSCURRENT');
  if (functionArn === undefined || current === undefined) return {};
  screen.progress('asking the function what is wrong');
  const preflight = await functions.preflight(functionArn, secretArn, current);
  showPreflight(screen, preflight);
  if (preflight.outcome === 'passed' && !hasFailed(preflight))
    screen.say(
      'The preflight found nothing wrong. It writes nothing, so it cannot see a missing permission to write.',
    );
  screen.say(`Its log says more: ${tailLogCommand(functionArn)}`);
  screen.say('Secrets Manager tries again by itself; keyturn status tells how things stand.');
  return { preflight };
}

/** What a function said to a preflight. */
export function showPreflight(screen: Screen, preflight: Preflight): void {
  switch (preflight.outcome) {
    case 'passed': {
      const width = Math.max(...preflight.findings.map(({ check }) => check.length)) + 2;
      for (const { check, ok, detail } of preflight.findings) {
        if (ok) screen.say(`  ok  ${check.padEnd(width)}${detail}`);
        else screen.bad(`  not in order: ${check}: ${detail}`);
      }
      break;
    }
    case 'failed':
      screen.bad(`The function says: ${preflight.code}: ${preflight.message}`);
      break;
    case 'unknown':
      screen.say(`The function could not be asked for a preflight. ${preflight.reason}`);
  }
}

function requireRotation(secret: Secret): void {
  requireNotDeleted(secret);
  const { arn, name, rotationEnabled, functionArn } = secret;
  const unfinished = unfinishedVersion(secret);
  if (functionArn !== undefined && (rotationEnabled === true || unfinished !== undefined)) return;
  const attach = 'Turn it on with keyturn attach.';
  throw new KeyturnError(
    'RotationNotEnabled',
    `Rotation of ${name} is off.`,
    unfinished === undefined
      ? attach
      : `Take AWSPENDING off its version, which keeps its value: ${clearPendingCommand(arn, unfinished)}\n${attach}`,
  );
}

/** @throws SecretMarkedForDeletion */
export function requireNotDeleted({ arn, name, deletedOn }: Secret): void {
  if (deletedOn === undefined) return;
  throw new KeyturnError(
    'SecretMarkedForDeletion',
    `Secret ${name} is scheduled for deletion.`,
    `Restore it first: ${restoreCommand(arn)}`,
  );
}
