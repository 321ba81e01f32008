import { stepFor } from '../../doctor/causes.ts';
import { isKeyturnError, KeyturnError } from '../../errors.ts';
import type { ChangingRotator, GenerateContext, IssuingRotator } from '../../rotator/contract.ts';
import { wasRefused } from '../../secrets-manager/errors.ts';
import { candidatesOf, noCredentialAccepted, storedCredentials } from '../candidates.ts';
import { isTransient } from '../guarded-rotator.ts';
import { passwordFor } from '../new-password.ts';
import { retry } from '../retry.ts';
import { revokeUnneeded } from '../revocation.ts';
import type { StepFunction, StepResult } from '../run.ts';
import { requireSameTarget } from '../targets.ts';
import { adminContext } from '../trust.ts';
import {
  beginRotation,
  findPending,
  giveUpPending,
  isIssuing,
  parseVersion,
  type Rotation,
  type Version,
} from '../versions.ts';

/**
 * Stores the pending credential. A version that has a value keeps it: PutSecretValue never overwrites, so writing
 * first and reading only on a conflict is as safe as looking first, and one call cheaper. A credential that the target
 * issues is looked for first.
 */
export const createSecret: StepFunction = async (run) => {
  // The same token may have been used for a test (RotateImmediately=false), whose version and value are gone.
  run.memory.forget(run.secret.arn);
  const rotation = await beginRotation(run);
  return isIssuing(rotation) ? storeIssued(rotation) : store(rotation, await generatePending(rotation));
};

async function store({ run, current }: Rotation, pending: Version): Promise<StepResult> {
  const { arn } = run.secret;
  const { token, rotationToken } = run.event;
  const answer = await run.secretsManager.putPending(arn, { token, text: pending.text, rotationToken });
  if (answer === 'exists') return { outcome: 'kept' };
  run.memory.rememberValue(arn, token, pending.text);
  run.memory.rememberBase(arn, token, current.id);
  return { outcome: 'stored' };
}

/** Takes back what was issued, where it turns out that it is in no version. */
async function storeIssued(rotation: Rotation<IssuingRotator>): Promise<StepResult> {
  const stored = await findPending(rotation);
  if (stored !== undefined) {
    await requireAlive(rotation, stored);
    return { outcome: 'kept' };
  }
  const pending = await issuePending(rotation);
  try {
    const result = await store(rotation, pending);
    if (result.outcome === 'kept') await revokeUnneeded(rotation, pending);
    return result;
  } catch (error) {
    // An answer that was lost leaves open whether it is stored: the retry looks, and revokeOrphans finds the rest.
    if (wasRefused(error)) await revokeUnneeded(rotation, pending);
    throw error;
  }
}

/**
 * What an earlier try has issued may have expired or been revoked since: then it will never be accepted, and a version's
 * value can't be changed, so that such a version must not stay AWSPENDING. A refusal is asked for again, since some
 * targets take a moment to know what they have issued.
 *
 * @throws PendingRefused
 */
async function requireAlive({ run, guarded }: Rotation, pending: Version): Promise<void> {
  const prove = async (): Promise<void> => {
    if ((await guarded.using(pending.credential, async () => true)) === undefined) throw lapsed();
  };
  const mayPass = (error: unknown) => isTransient(error) || isKeyturnError(error, 'PendingRefused');
  try {
    await retry(prove, mayPass, run.signal);
  } catch (error) {
    if (isKeyturnError(error, 'PendingRefused')) await giveUpPending(run);
    throw error;
  }
}

function lapsed(): KeyturnError {
  return new KeyturnError(
    'PendingRefused',
    'The target refuses the pending credential, which an earlier try had the target issue.',
    'AWSPENDING was taken off it; the next rotation starts clean.',
  );
}

/**
 * The version that the rotation is to store. Nothing is stored yet, and nothing has happened at the target.
 *
 * @throws PasswordImpossible
 */
export async function generatePending(rotation: Rotation<ChangingRotator>): Promise<Version> {
  const { run, guarded, current } = rotation;
  const changes = await guarded.attempt('generate', current.credential, () =>
    guarded.rotator.generate(current.credential, {
      note: guarded.context.note,
      password: passwordMaker(rotation),
    }),
  );
  run.redactor.learn(changes);
  return requireUsable(rotation, current.document.write(changes));
}

/** Has the target issue what the rotation is to store. @throws NoCredentialAccepted, AccountNotServed, the target's errors */
async function issuePending(rotation: Rotation<IssuingRotator>): Promise<Version> {
  const { run, guarded, current } = rotation;
  const { rotator } = guarded;
  if (rotator.issuedBy === 'admin') await requireAccepted(rotation);
  const changes = await guarded.attempt('issue', current.credential, () =>
    rotator.issue(current.credential, {
      ...adminContext(rotation),
      requestToken: run.event.token,
      stored: () => storedCredentials(rotation),
      password: passwordMaker(rotation),
    }),
  );
  run.redactor.learn(changes);
  return requireUsable(rotation, current.document.write(changes));
}

function passwordMaker({ run, current }: Rotation): GenerateContext['password'] {
  return (wanted) => {
    const password = passwordFor(current.document, wanted, run.configuration.password);
    run.redactor.learnValue(password);
    return password;
  };
}

/**
 * What no later step could use must not be stored: a version's value can't be changed, and the rotation would be stuck.
 *
 * @throws PasswordImpossible
 */
function requireUsable(rotation: Rotation, text: string): Version {
  const { run, guarded, current } = rotation;
  try {
    const pending = parseVersion(rotation, run.event.token, text);
    requireSameTarget(current.target, pending.target);
    return pending;
  } catch (error) {
    if (!isKeyturnError(error, 'InvalidSecretField')) throw error;
    throw new KeyturnError(
      'PasswordImpossible',
      `${guarded.rotator.name} can't use the credential that was generated: ${error.message}`,
      stepFor('PasswordImpossible'),
      { ...(error.field === undefined ? {} : { field: error.field }), cause: error },
    );
  }
}

/**
 * The admin has a credential issued for an account only once a stored credential of that account was accepted: whoever may
 * write the secret could otherwise have one issued for any account (a confused deputy).
 *
 * @throws NoCredentialAccepted
 */
async function requireAccepted(rotation: Rotation): Promise<void> {
  const candidates = candidatesOf(rotation, undefined);
  for await (const { version } of candidates) {
    if ((await rotation.guarded.using(version.credential, async () => true)) !== undefined) return;
    rotation.refused.add(version.id);
  }
  throw noCredentialAccepted(candidates);
}
