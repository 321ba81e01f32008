import type { SqlEngine } from '../database/rotators.ts';
import { classify } from './classify.ts';
import type { Connector } from './connector.ts';
import { engines, type PostgresCredential, parseCredential, plainName, targetOf } from './credential.ts';
import { passwordDefaults } from './password.ts';
import type { PostgresSession } from './session.ts';

/** What both of Postgres's rotators have in common. */
export function postgresEngine({ open }: Connector): SqlEngine<PostgresCredential, PostgresSession> {
  return {
    name: 'postgres',
    engines,
    parse: parseCredential,
    takesName: plainName.fits,
    target: targetOf,
    newPassword: ({ password }) => password(passwordDefaults),
    open,
    classify,
  };
}
