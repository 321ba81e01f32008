import { randomUUID } from 'node:crypto';
import type { RotatorHarness } from '../../../src/testing/index.ts';
import type { RabbitMqServer } from '../../support/rabbitmq.ts';
import makeRotator from './rotator.ts';

/** Users of a RabbitMQ. @param tags theirs, separated by commas */
export function rabbitMqHarness({ url, admin, ask }: RabbitMqServer, tags = ''): RotatorHarness {
  return {
    rotator: makeRotator(),
    account: async () => {
      const [username, password] = [`robot/${randomUUID()}`, randomUUID()];
      const path = `/api/users/${encodeURIComponent(username)}`;
      await ask('PUT', path, { password, tags });
      return {
        secret: { engine: 'rabbitmq', host: url, username, password },
        admin: { host: url, ...admin },
        digest: async () => JSON.stringify(await ask('GET', path)),
        remove: async () => void (await ask('DELETE', path)),
      };
    },
    elsewhere: (fields, { host, port }) => ({ ...fields, host: `http://${host}:${port}` }),
    busy: () => new Error('The broker answered 503.'),
    module: { url: new URL('./rotator.ts', import.meta.url).href },
  };
}
