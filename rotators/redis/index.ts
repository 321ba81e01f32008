import type { ChangingRotator, Revocation } from '../../src/rotator/index.ts';
import type { ConnectionOptions } from '../database/connection.ts';
import { addPassword, endOthers } from './change.ts';
import { createConnector } from './connection.ts';
import { engines, parseCredential, type RedisCredential, targetOf } from './credential.ts';
import { excessRights } from './excess.ts';
import { preflight } from './preflight.ts';
import { classify } from './server-error.ts';
import { openSession, type RedisSession, type Servers } from './servers.ts';
import { hashOf } from './users.ts';
import { verifyAtAll } from './verify.ts';

export type { RedisCredential, RedisSession };

/** How a function rotates users of Redis and Valkey, for all secrets. */
export interface RedisOptions extends ConnectionOptions {
  /** When the old password ends. Default: `on-next-rotation`. */
  readonly revocation?: Revocation;
}

/**
 * Rotates the password of a user of Redis 6 or newer, or of Valkey. The user needs the right to change users, and changes
 * itself. The old password works beside the new one. With an admin secret, the admin sets a lost password.
 *
 * @param options how the function connects, and when the old password ends; default: verified TLS only, and
 *   `on-next-rotation`
 */
export function redis(options: RedisOptions = {}): ChangingRotator<RedisCredential, RedisSession> {
  return rotatorOf('redis', 'account', options);
}

/** As {@link redis}, for a user that may not change users. The admin of the admin secret makes the changes. */
export function redisByAdmin(options: RedisOptions = {}): ChangingRotator<RedisCredential, RedisSession> {
  return rotatorOf('redis-by-admin', 'admin', options);
}

/** The most secrets whose servers a warm function remembers. */
const mostRemembered = 16;

/** The password is part of the key, so the servers are looked for again after each rotation. */
function keyOf({ nodes, masterName, username, password }: RedisCredential): string {
  return JSON.stringify([nodes, masterName, username, hashOf(password)]);
}

function rotatorOf(
  name: string,
  changedBy: 'account' | 'admin',
  { revocation = 'on-next-rotation', ...reach }: RedisOptions,
): ChangingRotator<RedisCredential, RedisSession> {
  const connector = createConnector(reach);
  // The servers at which a password was changed. The user itself may not be allowed to ask for the servers, and the server
  // would log each refusal.
  const changed = new Map<string, Servers>();
  const remember = (credential: RedisCredential, servers: Servers): void => {
    const key = keyOf(credential);
    changed.delete(key);
    changed.set(key, servers);
    const [oldest] = changed.keys();
    if (changed.size > mostRemembered && oldest !== undefined) changed.delete(oldest);
  };
  return {
    kind: 'changes',
    name,
    engines,
    overlap: 'until-next-rotation',
    revocation,
    changedBy,
    parse: parseCredential,
    target: targetOf,
    generate: async (_current, { password }) => ({ password: password() }),
    open: (credential, context) => openSession(connector, credential, context),
    verify: (session, pending, context) =>
      verifyAtAll({ connector, context }, session, changed.get(keyOf(pending))),
    change: async (session, pending, context) =>
      remember(pending, await addPassword({ connector, context }, session, pending)),
    endReplaced: (session, current, context) => endOthers({ connector, context }, session, current),
    excessRights: ({ connection }, subject, proven) =>
      excessRights(connection, subject.username, proven?.username),
    preflight: (session, credential, admin, context) =>
      preflight(connector, session, credential, admin, context),
    classify,
  };
}
