import { isKeyturnError, KeyturnError } from '../errors.ts';
import type { Session } from '../rotator.ts';
import { adminSecretArn, adminSecretMissing, loadAdmin } from './admin.ts';
import { ladder, noCredentialAccepted, type Pair, type Rung } from './ladder.ts';
import { retry } from './retry.ts';
import type { Run } from './run.ts';
import { type GuardedRotator, isPassing } from './target.ts';

/** Whether the change was made now, and the moment before it (ms, monotonic), or had been made before. */
export type Changed = { readonly made: true; readonly sinceMs: number } | { readonly made: false };

/**
 * Makes the target accept the pending credential. Climbs the ladder anew on each try, since a connection that is
 * lost during the change leaves it open whether the change was made.
 *
 * @throws NoCredentialAccepted, AdminSecretMissing, AdminRefused, PasswordRejected and the target's errors
 */
export async function changeCredential(run: Run, guarded: GuardedRotator, pair: Pair): Promise<Changed> {
  try {
    return await retry(() => climb(run, guarded, pair), isPassing, run.signal);
  } catch (error) {
    if (isKeyturnError(error, 'PasswordRejected')) await giveUpVersion(run);
    throw error;
  }
}

/** A version's value can't be changed: one that the target will never accept must not stay AWSPENDING. */
export async function giveUpVersion(run: Run): Promise<void> {
  await run.secretsManager.moveLabel(run.secret.arn, 'AWSPENDING', { from: run.event.token });
}

async function climb(run: Run, guarded: GuardedRotator, pair: Pair): Promise<Changed> {
  for await (const rung of ladder(run, guarded.rotator, pair)) {
    const session = await guarded.open(rung.credential);
    if (session === undefined) continue;
    try {
      if (rung.name !== 'current')
        run.note(`The ${rung.name} version opens the target; AWSCURRENT does not.`);
      if (rung.name === 'pending' || guarded.rotator.mints === true) return { made: false };
      if (guarded.rotator.changedBy === 'account')
        return await change(guarded, pair, rung.credential, session);
    } finally {
      guarded.release(session);
    }
    return changeByAdmin(run, guarded, pair, rung);
  }
  return changeByAdmin(run, guarded, pair, undefined);
}

async function change(
  guarded: GuardedRotator,
  pair: Pair,
  using: unknown,
  session: Session,
): Promise<Changed> {
  const { rotator, context } = guarded;
  const sinceMs = performance.now();
  await guarded.attempt('change', using, () =>
    rotator.change(session, pair.pendingCredential, { ...context, using, current: pair.currentCredential }),
  );
  return { made: true, sinceMs };
}

/**
 * Alternating users are changed by the admin only once a stored credential was accepted: else whoever can write
 * the secret could have the admin change the password of an account that is not theirs (a confused deputy). For a
 * single user the admin is the last rung, for a password that was lost.
 */
async function changeByAdmin(
  run: Run,
  guarded: GuardedRotator,
  pair: Pair,
  accepted: Rung | undefined,
): Promise<Changed> {
  const { fields } = pair.current.document;
  const { rotator } = guarded;
  const arn = adminSecretArn(run, fields);
  if (rotator.changedBy === 'admin' && accepted === undefined) throw noCredentialAccepted(false);
  if (arn === undefined)
    throw rotator.changedBy === 'admin' ? adminSecretMissing(rotator) : noCredentialAccepted(true);

  if (accepted === undefined)
    run.note('No stored credential opens the target: the admin sets the pending one.');
  const admin = await loadAdmin(run, rotator, fields, arn);
  const changed = await guarded.using(admin, (session) => change(guarded, pair, admin, session));
  if (changed !== undefined) return changed.result;
  throw new KeyturnError(
    'AdminRefused',
    `The target refuses the credential of the admin secret ${arn}.`,
    'Correct the admin secret, or rotate it, and rotate again.',
  );
}
