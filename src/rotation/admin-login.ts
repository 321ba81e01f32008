import { KeyturnError } from '../errors.ts';
import type { Session } from '../rotator.ts';
import { adminSecretArn, adminSecretMissing, loadAdmin } from './admin.ts';
import type { Run } from './run.ts';
import type { GuardedRotator } from './target.ts';
import type { LoadedVersion } from './versions.ts';

/** The admin, logged in at the target. */
export interface Admin {
  readonly credential: unknown;
  readonly session: Session;
}

/** A login of the admin that is made at most once. */
export interface AdminLogin {
  /** Starts it where it has not started. @throws AdminSecretMissing, AdminServerDiffers, AdminRefused */
  admin(): Promise<Admin>;
  /** Closes what was opened. */
  release(): void;
}

/** Logs the admin in, with the secret's own admin secret or the function's. */
export function createAdminLogin(run: Run, guarded: GuardedRotator, current: LoadedVersion): AdminLogin {
  let login: Promise<Admin> | undefined;
  const admin = (): Promise<Admin> => {
    login ??= logIn(run, guarded, current);
    return login;
  };
  const close = async (): Promise<void> => (await login)?.session.close();
  return {
    admin,
    release: () => {
      // Whoever needed the admin has heard why it could not log in.
      run.closing.push(close().catch(() => undefined));
    },
  };
}

async function logIn(run: Run, guarded: GuardedRotator, { document }: LoadedVersion): Promise<Admin> {
  const { rotator } = guarded;
  const arn = adminSecretArn(run, document.fields);
  if (arn === undefined) throw adminSecretMissing(rotator);
  const credential = await loadAdmin(run, rotator, document.fields, arn);
  const session = await guarded.open(credential);
  if (session !== undefined) return { credential, session };
  throw new KeyturnError(
    'AdminRefused',
    `The target refuses the credential of the admin secret ${arn}.`,
    'Correct the admin secret, or rotate it, and rotate again.',
  );
}
