import { stepFor } from '../doctor/causes.ts';
import { preflightProblem, refusesCurrent } from '../doctor/preflight-words.ts';
import { isKeyturnError, KeyturnError } from '../errors.ts';
import type { Finding, Session } from '../rotator/contract.ts';
import { type Admin, adminSecretArn, createAdminLogin, loadAdmin } from './admin.ts';
import { explainRefusal } from './change.ts';
import { needsAdmin } from './select.ts';
import { generatePending } from './steps/create.ts';
import { addressOf } from './targets.ts';
import { requireMayChange } from './trust.ts';
import { requireFindings } from './valid-rotators.ts';
import { isChanging, type Rotation, type Version } from './versions.ts';

/**
 * Checks everything that a rotation will need, changes nothing, and logs each finding. With RotateImmediately=false,
 * Secrets Manager asks for it: it calls testSecret for a version that holds the current value.
 *
 * @throws PreflightFailed, with the findings that are not in order
 */
export async function preflight(rotation: Rotation): Promise<Finding[]> {
  const findings = await collectFindings(rotation);
  for (const { check, ok, detail } of findings)
    rotation.run.note(`Preflight, ${check}: ${ok ? 'ok' : 'not in order'}: ${detail}`);
  const wrong = findings.filter(({ ok }) => !ok);
  if (wrong.length === 0) return findings;
  const onlyLogin = wrong.every(({ check }) => check === 'login');
  throw new KeyturnError(
    'PreflightFailed',
    preflightProblem(wrong),
    onlyLogin ? stepForRefusedLogin : stepFor('PreflightFailed'),
  );
}

/** A rotation may still succeed: it tries the other versions, which a preflight does not, so as not to lock the account. */
const stepForRefusedLogin =
  'If rotation is on, rotate: the function tries AWSPENDING, AWSPREVIOUS and the versions without a label. If that fails, store the password that works with PutSecretValue, then rotate.';

async function collectFindings(rotation: Rotation): Promise<Finding[]> {
  const { guarded, current } = rotation;
  const place = addressOf(current.target);
  const login: Finding = { check: 'login', ok: true, detail: `${place} accepts AWSCURRENT` };
  const accepted = await guarded.withSession(current.credential, async (session) => {
    const arn = adminSecretArn(rotation);
    if (arn === undefined) {
      const missing = {
        check: 'admin secret',
        ok: false,
        detail: 'no masterarn and no KEYTURN_ADMIN_SECRET_ARN',
      };
      const needed = needsAdmin(guarded.rotator) ? [missing] : [];
      const made = await newCredentialFindings(rotation, undefined);
      return [login, ...needed, ...made, ...(await rotatorFindings(rotation, session, undefined))];
    }
    return [login, ...(await adminFindings(rotation, session, arn))];
  });
  return (
    accepted?.result ?? [
      { check: 'login', ok: false, detail: refusesCurrent(place) },
      ...(await refusalFindings(rotation)),
    ]
  );
}

/** Why the target refuses AWSCURRENT, if the admin can see it. */
async function refusalFindings(rotation: Rotation): Promise<Finding[]> {
  if (!isChanging(rotation) || adminSecretArn(rotation) === undefined) return [];
  const login = createAdminLogin(rotation);
  try {
    await explainRefusal(rotation, login);
    return [];
  } catch (error) {
    if (!isKeyturnError(error)) throw error;
    return [{ check: 'account', ok: false, detail: error.message }];
  } finally {
    login.release();
  }
}

async function adminFindings(rotation: Rotation, session: Session, arn: string): Promise<Finding[]> {
  const { guarded } = rotation;
  const secret = await loadAdmin(rotation, arn);
  const opened = await guarded.openAdmin(secret.credential);
  if (opened === undefined) {
    return [{ check: 'admin login', ok: false, detail: `the target refuses the credential of ${arn}` }];
  }
  try {
    return [
      { check: 'admin login', ok: true, detail: 'accepted' },
      ...(await newCredentialFindings(rotation, { ...secret, session: opened })),
      ...(await rotatorFindings(rotation, session, opened)),
    ];
  } finally {
    guarded.release(opened);
  }
}

/** Checks whether a new credential can be made, and whether the admin may set it if one is needed. Issues nothing. */
async function newCredentialFindings(rotation: Rotation, admin: Admin | undefined): Promise<Finding[]> {
  const { current } = rotation;
  if (!isChanging(rotation)) return [];
  let check = 'new credential';
  try {
    const pending = await generatePending(rotation);
    const made: Finding = { check, ok: true, detail: madeDetail(current, pending) };
    if (rotation.guarded.rotator.changedBy !== 'admin' || admin === undefined) return [made];
    check = 'account';
    await requireMayChange(rotation, admin, pending, current);
    return [made, { check, ok: true, detail: `the admin may change "${pending.account ?? ''}"` }];
  } catch (error) {
    if (
      !isKeyturnError(error, 'PasswordImpossible', 'CredentialCopied', 'AccountNotServed', 'RightsExceeded')
    )
      throw error;
    return [{ check, ok: false, detail: error.message }];
  }
}

/** Names known readers of the secret's form that would misread the new password. The policy may leave no other characters. */
function madeDetail(current: Version, pending: Version): string {
  const { password } = pending.document.fields;
  // If the old password was quoted too, the application knows quotes: such readers are not named.
  const readers = typeof password === 'string' ? current.document.misreadBy(password) : [];
  if (readers.length === 0) return 'can be made';
  return `can be made, but the policy of new passwords leaves only characters that need quotes or codes here; these would misread it: ${readers.join('; ')}`;
}

async function rotatorFindings(
  { guarded, current }: Rotation,
  session: Session,
  admin: Session | undefined,
): Promise<Finding[]> {
  const { rotator, context } = guarded;
  if (rotator.preflight === undefined) return [];
  const findings = await guarded.attempt('preflight', current.credential, async () =>
    rotator.preflight?.(session, current.credential, admin, context),
  );
  return requireFindings(rotator, findings);
}
