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
 * Rotates the password of one Postgres role. The role changes its own password; an admin, where an admin secret is
 * named, sets it only if it was lost. Drop-in for AWS's SecretsManagerRDSPostgreSQLRotationSingleUser.
 *
 * @param options how the function connects; default: verified TLS, and Node.js's own authorities
 */
export function postgres(
  options: PostgresOptions = {},
): ChangingRotator<PostgresCredential, PostgresSession> {
  const connector = createConnector(options);
  return singleUser(postgresEngine(connector), {
    prepare: connector.prepare,
    change: (session, pending, context) =>
      untilNoConflict(context.signal, isConflict, async () => {
        // The role's own login shows that the role is valid and how the server asks for its password. An admin, who
        // sets a lost password, has to ask both.
        const isAdmin = context.using.username !== pending.username;
        if (isAdmin) await requireValidity(session, pending.username);
        const probe = () => connector.probe(pending, context).catch(() => undefined);
        const storage = await storageOf(session, session.login, isAdmin ? probe : undefined);
        await setPassword(session, pending, { storage, context });
      }),
    excessRights: (admin, subject, proven) => excessRights(admin, subject.username, proven?.username),
    explainRefusal: (admin, { username }) => requireValidity(admin, username),
    preflight: preflightSingleUser,
  });
}
