import { randomBytes } from 'node:crypto';
import { ServerError } from '../../../rotators/redis/server-error.ts';
import type { RotatorHarness } from '../../../src/testing/index.ts';
import type { RedisServer } from '../../support/redis-server.ts';
import makeRotator, { type RedisSettings } from './rotator.ts';

/** The rights of an application that needs nothing of the server itself. */
export const applicationRules = ['~shop:*', '&shop:*', '+@read', '+@write', '+@connection'];

/** Users of a server, one for each account. Without an admin, they may change users, including themselves. */
export function redisHarness(
  { port, admin, ca, ask }: RedisServer,
  settings: Omit<RedisSettings, 'ca'>,
): RotatorHarness {
  const made: RedisSettings = { ...settings, ca };
  const place = {
    engine: 'redis',
    host: ca === undefined ? '127.0.0.1' : 'localhost',
    port,
    ssl: ca !== undefined,
  };
  return {
    rotator: makeRotator(made),
    account: async () => {
      const username = `app'";\\${randomBytes(6).toString('hex')}é`;
      const password = randomBytes(15).toString('base64url');
      const rules = settings.kind === 'admin' ? applicationRules : ['~*', '&*', '+@all'];
      await ask('ACL', 'SETUSER', username, 'on', `>${password}`, ...rules);
      return {
        secret: { ...place, username, password },
        ...(settings.kind === 'admin' && { admin: { ...place, ...admin } }),
        digest: async () => JSON.stringify(await ask('ACL', 'GETUSER', username)),
        remove: async () => void (await ask('ACL', 'DELUSER', username)),
      };
    },
    busy: () => new ServerError('LOADING Redis is loading the dataset in memory'),
    module: { url: new URL('./rotator.ts', import.meta.url).href, settings: made },
  };
}
