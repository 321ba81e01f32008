import type { Rotator } from '../../src/index.ts';
import { classify } from './classify.ts';
import { prepareClone } from './clone.ts';
import { type AlternatingCredential, engines, parseAlternatingCredential, targetOf } from './credential.ts';
import { actAsOneself, passwordDefaults, setPassword } from './password.ts';
import { preflightAlternatingUsers } from './preflight.ts';
import { requireSamePrivileges } from './privileges.ts';
import { createConnect, type PostgresOptions, type PostgresSession } from './session.ts';

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
    parse: parseAlternatingCredential,
    target: (credential) => targetOf(credential, credential.pair.account),
    generate: async ({ pair }, { password }) => ({
      username: pair.alternate,
      password: password(passwordDefaults),
    }),
    open: createConnect(options),
    change: async (session, pending, context) => {
      const encryption = await actAsOneself(session);
      await prepareClone(session, pending, context);
      await setPassword(session, pending, { encryption, context });
    },
    verify: (session, _pending, { current }) => requireSamePrivileges(session, current.username),
    preflight: preflightAlternatingUsers,
    classify,
  };
}
