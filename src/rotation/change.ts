import { stepFor } from '../doctor/causes.ts';
import { isKeyturnError, KeyturnError } from '../errors.ts';
import type { ChangeContext, ChangingRotator, Session } from '../rotator/contract.ts';
import { type AdminLogin, adminSecretArn, createAdminLogin } from './admin.ts';
import { type Candidates, candidatesOf, noCredentialAccepted } from './candidates.ts';
import { isTransient, type PreparedLogin } from './guarded-rotator.ts';
import { retry } from './retry.ts';
import { accountsTag, requireMayChange } from './trust.ts';
import { giveUpPending, type Rotation, type Version } from './versions.ts';

/** Whether the change was made now or by an earlier try. `sinceMs` is the moment before it (ms, monotonic). */
export type Changed =
  | {
      readonly made: true;
      readonly sinceMs: number;
      readonly prepared: PreparedLogin | undefined;
      /** Whether AWSCURRENT goes on working. */
      readonly overlapping: boolean;
    }
  | { readonly made: false };

/**
 * Makes the target accept the pending credential. Each retry tries the candidates again, except the refused ones: if the
 * connection was lost during the change, only a login can tell whether the change was made.
 *
 * @throws NoCredentialAccepted, AdminSecretMissing, AdminRefused, AccountNotServed, RightsExceeded, PasswordRejected and
 * the target's errors
 */
export async function changeCredential(
  rotation: Rotation<ChangingRotator>,
  pending: Version,
): Promise<Changed> {
  const { run } = rotation;
  try {
    return await retry(() => changeOnce(rotation, pending), createRetryRule(), run.signal);
  } catch (error) {
    // A version's value can't be changed. If the target will never accept it, it must not stay AWSPENDING.
    if (isKeyturnError(error, 'PasswordRejected')) await giveUpPending(run);
    throw error;
  }
}

/** The errors of changes. Errors of logins are not in it: another failed login would count towards a lockout. */
const failedChanges = new WeakSet<Error>();

/**
 * Decides which errors are worth another try. Lambda may deliver the same event twice at once. The other delivery may then
 * change the credential or create the account while this one is about to. The target answers this one that the account
 * exists already, or that the old password is wrong. So after a change that the target refuses, core tries once more.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/invocation-retries.html
 */
function createRetryRule(): (error: unknown) => boolean {
  let lookedAgain = false;
  return (error) => {
    if (isTransient(error)) return true;
    if (lookedAgain || !isKeyturnError(error, 'PermissionDenied', 'TargetFailed')) return false;
    if (!failedChanges.has(error)) return false;
    lookedAgain = true;
    return true;
  };
}

async function changeOnce(rotation: Rotation<ChangingRotator>, pending: Version): Promise<Changed> {
  const login = createAdminLogin(rotation);
  // Runs in parallel with the login of a stored credential, and changes nothing.
  if (isMadeByAdmin(rotation)) login.admin().catch(() => undefined);
  try {
    return await changeWithFirstAccepted(login, rotation, pending);
  } finally {
    login.release();
  }
}

function isMadeByAdmin({ guarded: { rotator } }: Rotation<ChangingRotator>): boolean {
  return rotator.changedBy === 'admin';
}

async function changeWithFirstAccepted(
  login: AdminLogin,
  rotation: Rotation<ChangingRotator>,
  pending: Version,
): Promise<Changed> {
  const { run, guarded } = rotation;
  const candidates = candidatesOf(rotation, pending);
  for await (const { label, version } of candidates) {
    const session = await guarded.open(version.credential);
    if (session === undefined) {
      rotation.refused.add(version.id);
      continue;
    }
    try {
      if (label !== 'current') run.note(`The ${label} version opens the target; AWSCURRENT does not.`);
      if (label === 'pending') return { made: false };
      if (!isMadeByAdmin(rotation))
        return await change(
          rotation,
          pending,
          { using: version.credential, admin: () => adminFor(login, rotation, pending, version) },
          session,
        );
    } finally {
      guarded.release(session);
    }
    return changeByAdmin(login, rotation, pending, version);
  }
  // If the admin makes the change, a stored credential must have been accepted. Otherwise, whoever may write the secret
  // could have the admin set any account's password (a confused deputy).
  if (isMadeByAdmin(rotation)) {
    await explainRefusal(rotation, login);
    throw noCredentialAccepted(candidates);
  }
  return changeLostPassword(login, rotation, pending, candidates);
}

async function change(
  { run, guarded, current, refused }: Rotation<ChangingRotator>,
  pending: Version,
  by: Pick<ChangeContext<unknown>, 'using' | 'proven' | 'admin'>,
  session: Session,
): Promise<Changed> {
  const { rotator, context } = guarded;
  // If the change ends the old credential, readers wait for the proof.
  const readersWait = rotator.overlap === 'none' && run.configuration.immediateCutover;
  const prepared = readersWait ? await guarded.prepare(pending.credential) : undefined;
  // From here on the pending credential may be accepted, even if the answer is lost.
  refused.delete(pending.id);
  const sinceMs = performance.now();
  let overlapping = rotator.overlap === 'until-next-rotation';
  const overlaps = (): void => {
    overlapping ||= rotator.overlap === 'found-out';
  };
  try {
    await guarded.attempt('change', pending.credential, () =>
      rotator.change(session, pending.credential, {
        ...context,
        ...by,
        current: current.credential,
        overlapping: overlaps,
      }),
    );
    return { made: true, sinceMs, prepared, overlapping };
  } catch (error) {
    prepared?.close();
    if (error instanceof Error) failedChanges.add(error);
    throw error;
  }
}

/**
 * Has the rotator find out in the admin's session why the target refuses AWSCURRENT. Does nothing if the admin can't log in.
 *
 * @throws the reason, if it is not the password
 */
export async function explainRefusal(
  { guarded, current }: Rotation<ChangingRotator>,
  login: AdminLogin,
): Promise<void> {
  const { rotator, context } = guarded;
  if (rotator.explainRefusal === undefined) return;
  const admin = await login.admin().catch(() => undefined);
  if (admin === undefined || !admin.isForSameServer) return;
  await guarded.attempt(
    'preflight',
    current.credential,
    async () => rotator.explainRefusal?.(admin.session, current.credential, context),
    'explainRefusal',
  );
}

/** @param proven the version that the target has accepted; undefined if it has accepted none */
async function changeByAdmin(
  login: AdminLogin,
  rotation: Rotation<ChangingRotator>,
  pending: Version,
  proven: Version | undefined,
): Promise<Changed> {
  const admin = await login.admin();
  const proofs = await requireMayChange(rotation, admin, pending, proven);
  const by = { using: admin.credential, proven: proofs.map(({ credential }) => credential) };
  return change(rotation, pending, by, admin.session);
}

/**
 * Logs the admin in, for an account that has proved itself but may lack the right to make a change. Undefined if no admin
 * secret is named, or if the admin may not change the account.
 *
 * @throws AdminServerDiffers, AdminRefused
 */
export async function adminFor(
  login: AdminLogin,
  rotation: Rotation<ChangingRotator>,
  pending: Version,
  proven: Version,
): Promise<Session | undefined> {
  if (adminSecretArn(rotation) === undefined) return undefined;
  const admin = await login.admin();
  try {
    await requireMayChange(rotation, admin, pending, proven);
    return admin.session;
  } catch (error) {
    if (!isKeyturnError(error, 'AccountNotServed', 'RightsExceeded')) throw error;
    rotation.run.note(`The admin is left aside: ${error.message}`);
    return undefined;
  }
}

/** Has the admin set the password of an account that usually changes its own, because no stored one works any more. */
async function changeLostPassword(
  login: AdminLogin,
  rotation: Rotation<ChangingRotator>,
  pending: Version,
  candidates: Candidates,
): Promise<Changed> {
  if (adminSecretArn(rotation) === undefined) {
    throw noCredentialAccepted(
      candidates,
      `name an admin secret (masterarn, KEYTURN_ADMIN_SECRET_ARN) and the account that it may change (the tag ${accountsTag})`,
    );
  }
  try {
    const changed = await changeByAdmin(login, rotation, pending, undefined);
    rotation.run.note('No stored credential opens the target: the admin has set the pending one.');
    return changed;
  } catch (error) {
    if (!isKeyturnError(error, 'AccountNotServed')) throw error;
    throw new KeyturnError(
      'AccountNotServed',
      "The target refuses every stored version of the secret that was tried, and only the secret's value says that the admin may change the account.",
      `${stepFor('AccountNotServed')} Or: ${stepFor('NoCredentialAccepted')}`,
      { field: 'username', cause: error },
    );
  }
}
