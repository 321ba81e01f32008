import type { ChangeContext, ChangingRotator, RotatorContext } from '../../src/rotator/index.ts';
import { setOnce } from '../database/change.ts';
import { singleUser } from '../database/rotators.ts';
import { findAccount, setOwnPassword, setPasswordOf } from './account.ts';
import { isPolicyRefusal } from './classify.ts';
import type { SqlServerCredential } from './credential.ts';
import { sqlServerEngine } from './engine.ts';
import { excessRights } from './excess.ts';
import { explainLogin, isPasswordToChange } from './login-failure.ts';
import { preflightSingleUser } from './preflight.ts';
import { explainRefusal, requirePasswordAtFault } from './refused-login.ts';
import { requireReplicas, setOnReplicas } from './replicas.ts';
import { connect, type SqlServerOptions, type SqlServerSession } from './session.ts';

/**
 * Rotates the password of one SQL Server login, or of one user of a contained database. The account changes its own
 * password; an admin, where an admin secret is named, sets it only if it was lost or has expired. Drop-in for AWS's
 * SecretsManagerRDSSQLServerRotationSingleUser.
 *
 * @param options how the function connects; default: verified TLS, and Node.js's own authorities
 */
export function sqlServer(
  options: SqlServerOptions = {},
): ChangingRotator<SqlServerCredential, SqlServerSession> {
  return singleUser(sqlServerEngine(options), {
    open: (credential, context) => open(credential, options, context),
    change: (session, pending, context) => change(session, pending, options, context),
    verify: async (session) => {
      await session.query('SELECT 1 AS alive');
    },
    preflight: (session, credential, admin, context) =>
      preflightSingleUser({ session, credential, admin, options, context }),
    excessRights: (admin, subject, proven, context) => excessRights(admin, subject, proven, 'none', context),
    explainRefusal,
  });
}

async function change(
  session: SqlServerSession,
  pending: SqlServerCredential,
  options: SqlServerOptions,
  context: ChangeContext<SqlServerCredential>,
): Promise<void> {
  const { using, current } = context;
  const byItself = using.username === pending.username;
  const account = await findAccount(session, pending.username);
  if (byItself) await requireReplicas(session, account, using, options, context);
  else await requirePasswordAtFault(session, current, account);
  await setOnReplicas(account, { pending, using, options, context });
  const set = () =>
    byItself ? setOwnPassword(session, pending, using, account) : setPasswordOf(session, pending, account);
  await setOnce(set, isPolicyRefusal, () => connect(pending, options, context));
}

/**
 * A password that has expired or must be changed counts as refused: it opens nothing, and tedious can't change it while
 * logging in. Then the admin of the admin secret, if there is one, sets the pending password, which is neither.
 */
async function open(
  credential: SqlServerCredential,
  options: SqlServerOptions,
  context: RotatorContext,
): Promise<SqlServerSession | undefined> {
  try {
    return await connect(credential, options, context);
  } catch (error) {
    const explained = explainLogin(error, credential.username);
    if (!isPasswordToChange(error)) throw explained ?? error;
    context.note(
      `${explained?.message} With an admin secret (masterarn, KEYTURN_ADMIN_SECRET_ARN), the rotation sets a new one.`,
    );
    return undefined;
  }
}
