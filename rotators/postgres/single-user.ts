import type { Rotator } from '../../src/index.ts';
import { classify } from './classify.ts';
import { engines, type PostgresCredential, parseCredential, targetOf } from './credential.ts';
import { actAsOneself, passwordDefaults, setPassword } from './password.ts';
import { preflightSingleUser } from './preflight.ts';
import { createConnect, type PostgresOptions, type PostgresSession } from './session.ts';

/**
 * Rotates the password of one Postgres role, which changes it itself. Drop-in for AWS's
 * SecretsManagerRDSPostgreSQLRotationSingleUser.
 */
export function postgres(options: PostgresOptions = {}): Rotator<PostgresCredential, PostgresSession> {
  return {
    name: 'postgres',
    engines,
    overlap: 'none',
    changedBy: 'account',
    parse: parseCredential,
    target: (credential) => targetOf(credential, credential.username),
    generate: async (_current, { password }) => ({ password: password(passwordDefaults) }),
    open: createConnect(options),
    change: async (session, pending, context) => {
      const encryption = await actAsOneself(session);
      await setPassword(session, pending, { encryption, context });
    },
    verify: async (session) => {
      await session.query('SELECT 1');
    },
    preflight: preflightSingleUser,
    classify,
  };
}
