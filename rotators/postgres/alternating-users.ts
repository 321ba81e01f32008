import type { ChangingRotator } from '../../src/rotator/index.ts';
import { untilNoConflict } from '../database/change.ts';
import { alternatingUsers } from '../database/rotators.ts';
import { prepareClone } from './clone.ts';
import { isConflict } from './conflict.ts';
import { createConnector, type PostgresOptions } from './connector.ts';
import type { AlternatingCredential } from './credential.ts';
import { postgresEngine } from './engine.ts';
import { excessRights } from './excess.ts';
import { setPassword, storageOf } from './password.ts';
import { preflightAlternatingUsers } from './preflight.ts';
import { requireSamePrivileges } from './privileges.ts';
import type { PostgresSession } from './session.ts';
import { requireValidity } from './validity.ts';

/**
 * Rotates between two Postgres roles, so that the credential of AWSCURRENT always works. The admin makes the
 * changes. Drop-in for AWS's SecretsManagerRDSPostgreSQLRotationMultiUser.
 *
 * @param options how the function connects; default: verified TLS, and Node.js's own authorities
 */
export function postgresAlternatingUsers(
  options: PostgresOptions = {},
): ChangingRotator<AlternatingCredential, PostgresSession> {
  const connector = createConnector(options);
  const { open, loginOf, probe } = connector;
  return alternatingUsers(postgresEngine(connector), {
    change: (session, pending, context) =>
      untilNoConflict(context.signal, isConflict, async () => {
        if (pending.pair.original === undefined) await requireValidity(session, pending.username);
        await prepareClone(session, pending, {
          ...context,
          openDatabase: (database) => open({ ...context.using, database }, context),
        });
        const storage = await storageOf(session, loginOf(context.current) ?? session.login, () =>
          probe(pending, context).catch(() => undefined),
        );
        await setPassword(session, pending, { storage, context });
      }),
    excessRights: (admin, subject, proven) => excessRights(admin, subject.username, proven?.username),
    explainRefusal: (admin, { username }) => requireValidity(admin, username),
    verify: (session, _pending, { current }) => requireSamePrivileges(session, current.username),
    preflight: (session, credential, admin, context) =>
      preflightAlternatingUsers(session, credential, admin, { connector, context }),
  });
}
