import type { ChangingRotator } from '../../src/rotator/index.ts';
import { classify } from './classify.ts';
import { prepareClone } from './clone.ts';
import { untilNoConflict } from './conflict.ts';
import { createConnector, type PostgresOptions } from './connector.ts';
import { type AlternatingCredential, engines, parseAlternatingCredential, targetOf } from './credential.ts';
import { excessRights } from './excess.ts';
import { passwordDefaults, setPassword, storageOf } from './password.ts';
import { preflightAlternatingUsers } from './preflight.ts';
import { requireSamePrivileges } from './privileges.ts';
import type { PostgresSession } from './session.ts';
import { requireValidity } from './validity.ts';

/**
 * Rotates between two Postgres roles, so that the credential of AWSCURRENT always works. The admin makes the
 * changes. Drop-in for AWS's SecretsManagerRDSPostgreSQLRotationMultiUser.
 */
export function postgresAlternatingUsers(
  options: PostgresOptions = {},
): ChangingRotator<AlternatingCredential, PostgresSession> {
  const connector = createConnector(options);
  const { open, loginOf } = connector;
  return {
    kind: 'changes',
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
    open,
    change: (session, pending, context) =>
      untilNoConflict(context.signal, async () => {
        if (pending.pair.original === undefined) await requireValidity(session, pending.username);
        await prepareClone(session, pending, {
          ...context,
          openDatabase: (database) => open({ ...context.using, database }, context),
        });
        const storage = await storageOf(session, loginOf(context.current) ?? session.login);
        await setPassword(session, pending, { storage, context });
      }),
    excessRights: (admin, subject, proven) => excessRights(admin, subject.username, proven?.username),
    verify: (session, _pending, { current }) => requireSamePrivileges(session, current.username),
    preflight: (session, credential, admin, context) =>
      preflightAlternatingUsers(session, credential, admin, { connector, context }),
    classify,
  };
}
