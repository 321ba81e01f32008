import type { ChangeContext, Rotator, RotatorContext, SecretFields } from '../../src/index.ts';
import { parseUserPair, type UserPair } from '../strategies/alternating-users.ts';
import { setPasswordOf } from './account.ts';
import { classify } from './classify.ts';
import { prepareClone } from './clone.ts';
import { engines, parseCredential, type SqlServerCredential, targetOf } from './credential.ts';
import { requireSameHoldings, requireSameVisibleHoldings } from './gate.ts';
import { explainLogin } from './login-failure.ts';
import { preflightAlternatingUsers } from './preflight.ts';
import { fitsName } from './quoting.ts';
import { connect, type SqlServerOptions, type SqlServerSession } from './session.ts';
import { setOnce } from './set-once.ts';

/** A credential of one of the two users. */
export interface AlternatingCredential extends SqlServerCredential {
  readonly pair: UserPair;
}

/**
 * Rotates between two SQL Server logins, or two users of a contained database, so that the credential of AWSCURRENT
 * always works. The admin makes the changes. Drop-in for AWS's SecretsManagerRDSSQLServerRotationMultiUser.
 */
export function sqlServerAlternatingUsers(
  options: SqlServerOptions = {},
): Rotator<AlternatingCredential, SqlServerSession> {
  return {
    name: 'sqlserver-alternating-users',
    engines,
    overlap: 'until-next-rotation',
    changedBy: 'admin',
    parse: (fields: SecretFields) => ({ ...parseCredential(fields), pair: parseUserPair(fields, fitsName) }),
    target: (credential) => targetOf(credential, credential.pair.account),
    generate: async ({ pair }, { password }) => ({ username: pair.alternate, password: password() }),
    open: (credential, context) => open(credential, options, context),
    change: (session, pending, context) => change(session, pending, options, context),
    verify: (session, { username: next }, context) =>
      requireSameVisibleHoldings(session, { other: context.current.username, next }, context),
    preflight: preflightAlternatingUsers,
    classify,
  };
}

async function open(
  credential: SqlServerCredential,
  options: SqlServerOptions,
  context: RotatorContext,
): Promise<SqlServerSession | undefined> {
  try {
    return await connect(credential, options, context);
  } catch (error) {
    throw explainLogin(error, credential.username) ?? error;
  }
}

async function change(
  session: SqlServerSession,
  pending: AlternatingCredential,
  options: SqlServerOptions,
  context: ChangeContext<AlternatingCredential>,
): Promise<void> {
  const { hasPassword } = await prepareClone(session, pending);
  if (!hasPassword) await setOnce(() => setPasswordOf(session, pending), pending, options, context);
  await requireSameHoldings(session, { other: context.current.username, next: pending.username }, context);
}
