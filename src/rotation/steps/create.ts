import { isDeepStrictEqual } from 'node:util';
import { stepFor } from '../../doctor/causes.ts';
import type { SecretFields } from '../../documents/fields.ts';
import { isKeyturnError, KeyturnError } from '../../errors.ts';
import type { ChangingRotator, GenerateContext, IssuingRotator } from '../../rotator/contract.ts';
import { wasRefused } from '../../secrets-manager/errors.ts';
import { candidatesOf, noCredentialAccepted, storedCredentials } from '../candidates.ts';
import { isTransient } from '../guarded-rotator.ts';
import { passwordFor } from '../new-password.ts';
import { whatWouldBeLost } from '../replaceable.ts';
import { retry } from '../retry.ts';
import { revokeUnneeded } from '../revocation.ts';
import type { StepFunction, StepResult } from '../run.ts';
import { requireSameTarget } from '../targets.ts';
import { adminContext } from '../trust.ts';
import { faultOf, identityOf, requireFields, told } from '../valid-rotators.ts';
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
 * Stores the pending credential. It writes without reading first, which saves a call: PutSecretValue never overwrites a
 * version's value. If the target issues the credential, it reads first: one that is issued for nothing would stay behind.
 */
export const createSecret: StepFunction = async (run) => {
  // A test (RotateImmediately=false) may have used the same token. Its version and value are gone.
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

/** Has a credential issued and stores it. Revokes it again if no version holds it. */
async function storeIssued(rotation: Rotation<IssuingRotator>): Promise<StepResult> {
  const stored = await findPending(rotation);
  if (stored !== undefined) {
    await requireStillValid(rotation, stored);
    return { outcome: 'kept' };
  }
  const pending = await issuePending(rotation);
  try {
    const result = await store(rotation, pending);
    if (result.outcome === 'kept') await revokeUnneeded(rotation, pending);
    return result;
  } catch (error) {
    // If only the answer was lost, the credential is stored and the retry finds it. Otherwise revokeOrphans revokes it.
    if (wasRefused(error)) await revokeUnneeded(rotation, pending);
    throw error;
  }
}

/**
 * Makes sure that a credential which an earlier try had issued is still valid. If it has expired or was revoked, AWSPENDING
 * is taken off, since a version's value can't be changed. A refusal is retried: some targets take a moment to accept what
 * they have issued.
 *
 * @throws PendingRefused
 */
async function requireStillValid({ run, guarded }: Rotation, pending: Version): Promise<void> {
  const prove = async (): Promise<void> => {
    const accepted = await guarded.withSession(pending.credential, async () => true);
    if (accepted === undefined) throw issuedCredentialRefused();
  };
  const mayPass = (error: unknown) => isTransient(error) || isKeyturnError(error, 'PendingRefused');
  try {
    await retry(prove, mayPass, run.signal);
  } catch (error) {
    if (isKeyturnError(error, 'PendingRefused')) await giveUpPending(run);
    throw error;
  }
}

function issuedCredentialRefused(): KeyturnError {
  return new KeyturnError(
    'PendingRefused',
    'The target refuses the pending credential, which it issued for an earlier try.',
    'AWSPENDING was taken off it; the next rotation starts clean.',
  );
}

/**
 * Makes the pending version. Stores nothing, and changes nothing at the target.
 *
 * Once in many thousand times, a random text reads as settings or a connection string, and the next rotation would refuse
 * to replace it. Then another one is made.
 *
 * @throws PasswordImpossible
 */
export async function generatePending(rotation: Rotation<ChangingRotator>): Promise<Version> {
  const { guarded, run } = rotation;
  let pending = await generateOnce(rotation);
  for (let others = 0; others < 5; others += 1) {
    if ((await whatWouldBeLost(guarded.rotator, pending.document, run.secret.tags)) === undefined) break;
    pending = await generateOnce(rotation);
  }
  return pending;
}

/** @throws PasswordImpossible */
async function generateOnce(rotation: Rotation<ChangingRotator>): Promise<Version> {
  const { run, guarded, current } = rotation;
  const made: string[] = [];
  const changes = await guarded.attempt('generate', current.credential, () =>
    guarded.rotator.generate(current.credential, {
      note: guarded.context.note,
      password: passwordMaker(rotation, made),
    }),
  );
  requireFields(guarded.rotator, 'generate', changes);
  run.redactor.learn(changes);
  const pending = requireUsable(rotation, current.document.write(changes), {
    member: 'generate',
    changes,
    made,
  });
  requireOtherCredential(rotation, pending, 'generate', changes);
  return pending;
}

/** Has the target issue the pending credential. @throws NoCredentialAccepted, AccountNotServed, the target's errors */
async function issuePending(rotation: Rotation<IssuingRotator>): Promise<Version> {
  const { run, guarded, current } = rotation;
  const { rotator } = guarded;
  if (rotator.issuedBy === 'admin') await requireAccepted(rotation);
  const made: string[] = [];
  const changes = await guarded.attempt('issue', current.credential, () =>
    rotator.issue(current.credential, {
      ...adminContext(rotation),
      requestToken: run.event.token,
      stored: () => storedCredentials(rotation),
      password: passwordMaker(rotation, made),
    }),
  );
  requireFields(rotator, 'issue', changes);
  run.redactor.learn(changes);
  // If a copy of the old credential would stay elsewhere in the secret, a changing rotator stops (CredentialCopied). Here
  // the new credential is issued already, and the old one goes on working. So it is stored, and the log says so.
  const written = current.document.write(changes, ({ message }) =>
    run.note(message.replace('Nothing was changed. ', '')),
  );
  const pending = requireUsable(rotation, written, { member: 'issue', changes, made });
  // The first credential of a secret may have none, such as a client that has no token yet. But an identity that is missing
  // here would be missing always. All credentials would count as the same, and none would be revoked.
  const identity = identityOf(rotator, pending.credential, run.redactor);
  if (identity === undefined || identity === null)
    throw faultOf(rotator, 'identity', 'returned nothing that identifies the credential that was issued');
  // A server may answer a request for a token with the one that it has issued before.
  if (pending.text !== current.text) requireOtherCredential(rotation, pending, 'issue', changes);
  return pending;
}

/**
 * Makes sure that the pending credential is another one. Otherwise every step would pass, and the old credential would go
 * on: if nothing new was written, or only a field by a wrong name beside the credential.
 *
 * @throws InternalError
 */
function requireOtherCredential(
  { guarded, current }: Rotation,
  pending: Version,
  member: 'generate' | 'issue',
  changes: SecretFields,
): void {
  if (!isDeepStrictEqual(pending.credential, current.credential)) return;
  const fault =
    pending.text === current.text
      ? 'returned what AWSCURRENT holds already'
      : `returned fields that parse does not read: ${Object.keys(changes).join(', ')}`;
  throw faultOf(guarded.rotator, member, fault);
}

/** @param made gets each password that is made */
function passwordMaker({ run, current }: Rotation, made: string[]): GenerateContext['password'] {
  return (wanted) => {
    const password = passwordFor(current.document, wanted, run.configuration.password);
    run.redactor.learnValue(password);
    made.push(password);
    return password;
  };
}

/** What `generate` or `issue` has returned, and the passwords that core has made for it. */
interface Returned {
  readonly member: 'generate' | 'issue';
  readonly changes: SecretFields;
  readonly made: readonly string[];
}

/**
 * Parses the pending version before it is stored. If no later step could use it, the rotation would be stuck, since a
 * version's value can't be changed.
 *
 * @throws PasswordImpossible if `parse` refuses a password that was made by the function's policy; InternalError if it
 * refuses another value, or if the version is for another target
 */
function requireUsable(rotation: Rotation, text: string, returned: Returned): Version {
  const { run, guarded, current } = rotation;
  const { rotator } = guarded;
  try {
    const pending = parseVersion(rotation, run.event.token, text);
    requireSameTarget(current.target, pending.target);
    return pending;
  } catch (error) {
    if (isKeyturnError(error, 'TargetChanged')) {
      const fault = `returned fields for another target than AWSCURRENT's: the ${error.field} differs`;
      throw faultOf(rotator, returned.member, fault, error);
    }
    if (!isKeyturnError(error, 'InvalidSecretField')) throw error;
    if (!isMadeByPolicy(returned, error.field)) {
      // Its last sentence says to correct the secret.
      const [problem = ''] = told(run.redactor, error).split(/\.(?= |$)/);
      const fault = `returned what parse refuses: ${problem}`;
      throw faultOf(rotator, returned.member, fault, error);
    }
    throw new KeyturnError(
      'PasswordImpossible',
      `${rotator.name} can't use the credential that was generated: ${error.message}`,
      stepFor('PasswordImpossible'),
      { ...(error.field === undefined ? {} : { field: error.field }), cause: error },
    );
  }
}

/** Whether a password that core has made is in the field, or in any field if this one was not returned. */
function isMadeByPolicy({ changes, made }: Returned, field: string | undefined): boolean {
  const values =
    field !== undefined && changes[field] !== undefined ? [changes[field]] : Object.values(changes);
  return values.some(
    (value) => typeof value === 'string' && made.some((password) => value.includes(password)),
  );
}

/**
 * Makes sure that the target accepts a stored credential, before the admin issues one for its account. Otherwise, whoever
 * may write the secret could have one issued for any account (a confused deputy).
 *
 * @throws NoCredentialAccepted
 */
async function requireAccepted(rotation: Rotation): Promise<void> {
  const candidates = candidatesOf(rotation, undefined);
  for await (const { version } of candidates) {
    if ((await rotation.guarded.withSession(version.credential, async () => true)) !== undefined) return;
    rotation.refused.add(version.id);
  }
  throw noCredentialAccepted(candidates);
}
