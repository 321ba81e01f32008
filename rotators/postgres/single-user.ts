import type { ChangingRotator } from '../../src/rotator/index.ts';
import { classify } from './classify.ts';
import { untilNoConflict } from './conflict.ts';
import { createConnector, type PostgresOptions } from './connector.ts';
import { engines, type PostgresCredential, parseCredential, targetOf } from './credential.ts';
import { excessRights } from './excess.ts';
import { passwordDefaults, setPassword, storageOf } from './password.ts';
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
  const { open, prepare } = createConnector(options);
  return {
    kind: 'changes',
    name: 'postgres',
    engines,
    overlap: 'none',
    changedBy: 'account',
    parse: parseCredential,
    target: (credential) => targetOf(credential, credential.username),
    generate: async (_current, { password }) => ({ password: password(passwordDefaults) }),
    open,
    prepare,
    change: (session, pending, context) =>
      untilNoConflict(context.signal, async () => {
        // An admin sets a lost password; what the account's own login has shown it need not ask.
        if (context.using.username !== pending.username) await requireValidity(session, pending.username);
        const storage = await storageOf(session, session.login);
        await setPassword(session, pending, { storage, context });
      }),
    excessRights: (admin, subject, proven) => excessRights(admin, subject.username, proven?.username),
    preflight: preflightSingleUser,
    classify,
  };
}
