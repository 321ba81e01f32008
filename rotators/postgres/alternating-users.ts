import type { Rotator, SecretFields } from '../../src/index.ts';
import { parseUserPair, type UserPair } from '../strategies/alternating-users.ts';
import { classify } from './classify.ts';
import { prepareClone } from './clone.ts';
import { engines, type PostgresCredential, parseCredential, targetOf } from './credential.ts';
import { actAsOneself, passwordDefaults, setPassword } from './password.ts';
import { preflightAlternatingUsers } from './preflight.ts';
import { requireSamePrivileges } from './privileges.ts';
import { fitsName } from './quoting.ts';
import { connect, type PostgresOptions, type PostgresSession } from './session.ts';

/** A credential of one of the two users. */
export interface AlternatingCredential extends PostgresCredential {
  readonly pair: UserPair;
}

function parse(fields: SecretFields): AlternatingCredential {
  return { ...parseCredential(fields), pair: parseUserPair(fields, fitsName) };
}

/**
 * Rotates between two Postgres roles, so that the credential of AWSCURRENT always works. The admin makes the
 * changes. Drop-in for AWS's SecretsManagerRDSPostgreSQLRotationMultiUser.
 */
export function postgresAlternatingUsers(
  options: PostgresOptions = {},
): Rotator<AlternatingCredential, PostgresSession> {
  return {
    name: 'postgres-alternating-users',
    engines,
    overlap: 'until-next-rotation',
    changedBy: 'admin',
    parse,
    target: (credential) => targetOf(credential, credential.pair.account),
    generate: async ({ pair }, { password }) => ({
      username: pair.alternate,
      password: password(passwordDefaults),
    }),
    open: (credential, context) => connect(credential, options, context),
    change: async (session, pending, context) => {
      await actAsOneself(session);
      await prepareClone(session, pending, context);
      await setPassword(session, pending, context);
    },
    verify: (session, _pending, { current }) => requireSamePrivileges(session, current.username),
    preflight: preflightAlternatingUsers,
    classify,
  };
}
