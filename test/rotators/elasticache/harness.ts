import { randomBytes } from 'node:crypto';
import type { SecretFields } from '../../../src/index.ts';
import type { RotatorHarness } from '../../../src/testing/index.ts';
import type { ManagedUsersApi } from '../../support/managed-users.ts';
import type { RedisServer } from '../../support/redis-server.ts';
import makeRotator, { type ManagedSettings } from './rotator.ts';

/** The ARN of a user. */
export function arnOf(service: ManagedSettings['service'], id: string): string {
  return `arn:aws:${service}:eu-central-1:123456789012:user${service === 'elasticache' ? ':' : '/'}${id}`;
}

/** Users of a real server behind the API's stand-in. */
export function managedHarness(
  server: RedisServer,
  api: ManagedUsersApi,
  given: Omit<ManagedSettings, 'endpoint'>,
): RotatorHarness {
  const settings: ManagedSettings = { ...given, endpoint: api.url };
  const { service } = settings;
  api.endpoints.push({ host: '127.0.0.1', port: server.port });
  return {
    rotator: makeRotator(settings),
    account: async () => {
      const id = `user-${randomBytes(6).toString('hex')}`;
      const password = randomBytes(15).toString('base64url');
      await api.add(id, { name: id, passwords: [password] });
      const place = { host: '127.0.0.1', port: server.port, ssl: false };
      return {
        secret: { engine: service, user_arn: arnOf(service, id), username: id, password, ...place },
        digest: async () => JSON.stringify([api.users.get(id), await server.ask('ACL', 'GETUSER', id)]),
        remove: async () => {
          api.users.delete(id);
          await server.ask('ACL', 'DELUSER', id);
        },
      };
    },
    elsewhere: (fields: SecretFields, { host, port }) => {
      // The caches of the user's groups are elsewhere.
      api.endpoints.push({ host, port });
      return { ...fields, host, port };
    },
    refused: (fields) => ({ ...fields, password: randomBytes(15).toString('base64url') }),
    // Longer than 15 characters, and printable, as the service wants them.
    passwords: [
      `It's"quoted"\\and\\'back1`,
      `Aa1';FLUSHALL;--0123456789`,
      `$$%s{0}$x\`y\`$1Aa0123456789`,
      `Aa1=;{}[]()<>&|!^*~,.?:@/#+-`,
      `Aa1${'x'.repeat(125)}`,
    ],
    busy: () => Object.assign(new Error('Rate exceeded'), { name: 'ThrottlingException' }),
    module: { url: new URL('./rotator.ts', import.meta.url).href, settings },
  };
}
