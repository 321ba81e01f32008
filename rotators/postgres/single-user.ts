import type { ChangingRotator } from '../../src/rotator/index.ts';
import { untilNoConflict } from '../database/change.ts';
import { singleUser } from '../database/rotators.ts';
import { isConflict } from './conflict.ts';
import { createConnector, type PostgresOptions } from './connector.ts';
import type { PostgresCredential } from './credential.ts';
import { postgresEngine } from './engine.ts';
import { excessRights } from './excess.ts';
import { setPassword, storageOf } from './password.ts';
import { preflightSingleUser } from './preflight.ts';
import type { PostgresSession } from './session.ts';
import { requireValidity } from './validity.ts';

/**
 * Rotates the password of one Postgres role, which changes it itself. Drop-in for AWS's
 * SecretsManagerRDSPostgreSQLRotationSingleUser.
 */
export function postgres(
  options: PostgresOptions = {},
): ChangingRotator<PostgresCredential, PostgresSession> {
  const connector = createConnector(options);
  return singleUser(postgresEngine(connector), {
    prepare: connector.prepare,
    change: (session, pending, context) =>
      untilNoConflict(context.signal, isConflict, async () => {
        // An admin sets a lost password; what the account's own login has shown it need not ask.
        const isAdmin = context.using.username !== pending.username;
        if (isAdmin) await requireValidity(session, pending.username);
        const probe = () => connector.probe(pending, context).catch(() => undefined);
        const storage = await storageOf(session, session.login, isAdmin ? probe : undefined);
        await setPassword(session, pending, { storage, context });
      }),
    excessRights: (admin, subject, proven) => excessRights(admin, subject.username, proven?.username),
    preflight: preflightSingleUser,
  });
}
