import { isKeyturnError } from '../errors.ts';
import type { Session } from '../rotator.ts';
import { adminSecretArn } from './admin.ts';
import { type AdminLogin, createAdminLogin } from './admin-login.ts';
import { ladder, noCredentialAccepted, type Pair } from './ladder.ts';
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
  const login = createAdminLogin(run, guarded, pair.current);
  // It takes as long as the proof beside which it is made, and changes nothing.
  if (isMadeByAdmin(guarded)) login.admin().catch(() => undefined);
  try {
    return await climbWith(login, run, guarded, pair);
  } finally {
    login.release();
  }
}

function isMadeByAdmin({ rotator }: GuardedRotator): boolean {
  return rotator.changedBy === 'admin' && rotator.mints !== true;
}

async function climbWith(login: AdminLogin, run: Run, guarded: GuardedRotator, pair: Pair): Promise<Changed> {
  for await (const rung of ladder(run, guarded.rotator, pair)) {
    const session = await guarded.open(rung.credential);
    if (session === undefined) continue;
    try {
      if (rung.name !== 'current')
        run.note(`The ${rung.name} version opens the target; AWSCURRENT does not.`);
      if (rung.name === 'pending' || guarded.rotator.mints === true) return { made: false };
      if (!isMadeByAdmin(guarded)) return await change(guarded, pair, rung.credential, session);
    } finally {
      guarded.release(session);
    }
    return changeByAdmin(login, guarded, pair);
  }
  requireLastRung(run, guarded, pair);
  return changeByAdmin(login, guarded, pair);
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
 * Where it is the admin who changes, a stored credential must have been accepted: else whoever can write the secret
 * could have the admin change the password of an account that is not theirs (a confused deputy). Where it is the
 * account, the admin is the last rung, for a password that was lost.
 */
function requireLastRung(run: Run, guarded: GuardedRotator, { current }: Pair): void {
  if (guarded.rotator.changedBy === 'admin') throw noCredentialAccepted(false);
  if (adminSecretArn(run, current.document.fields) === undefined) throw noCredentialAccepted(true);
  run.note('No stored credential opens the target: the admin sets the pending one.');
}

async function changeByAdmin(login: AdminLogin, guarded: GuardedRotator, pair: Pair): Promise<Changed> {
  const { credential, session } = await login.admin();
  return change(guarded, pair, credential, session);
}
