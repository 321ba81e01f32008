import { randomUUID } from 'node:crypto';
import { afterAll, describe, expect, it } from 'vitest';
import { rabbitMq } from '../../../rotators/rabbitmq/index.ts';
import { crashMatrix, describeRotator, type RotatorHarness } from '../../../src/testing/index.ts';
import { type RabbitMqServer, startRabbitMq } from '../../support/rabbitmq.ts';
import { startFixture } from '../../support/rotation-fixture.ts';
import makeRotator from './rotator.ts';

const program = process.env.KEYTURN_TEST_RABBITMQ_SERVER;
const reason = 'KEYTURN_TEST_RABBITMQ_SERVER names no script rabbitmq-server.';

function brokerHarness({ url, admin, ask }: RabbitMqServer, tags: string): RotatorHarness {
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

if (program === undefined) {
  it('rotates passwords of a real RabbitMQ', ({ skip }) => skip(reason));
} else {
  const server = await startRabbitMq(program);
  afterAll(server.stop);
  const { url: host, admin, ask } = server;
  describeRotator('RabbitMQ', brokerHarness(server, ''));

  describe('users of a real RabbitMQ', () => {
    it('keep their tags', async () => {
      const fixture = await startFixture({ rotators: [rabbitMq()] });
      try {
        const [username, password] = [randomUUID(), randomUUID()];
        await ask('PUT', `/api/users/${username}`, { password, tags: 'monitoring,policymaker' });
        const masterarn = await fixture.createSecret({ host, ...admin });
        const arn = await fixture.createSecret({ engine: 'rabbitmq', host, username, password, masterarn });
        expect(await fixture.rotate(arn, { immediately: false })).toBeUndefined();
        expect(await fixture.rotate(arn)).toBeUndefined();
        expect((await fixture.read(arn)).password).not.toBe(password);
        expect(await ask('GET', `/api/users/${username}`)).toMatchObject({
          tags: ['monitoring', 'policymaker'],
        });

        const weak = await fixture.createSecret({
          host,
          username,
          password: String((await fixture.read(arn)).password),
        });
        const byItself = await fixture.createSecret({ ...(await fixture.read(arn)), masterarn: weak });
        expect(await fixture.rotate(byItself, { immediately: false })).toMatch(
          /^PreflightFailed.*admin rights/,
        );
        expect(await fixture.rotate(byItself)).toMatch(/^PermissionDenied/);
      } finally {
        await fixture.close();
      }
    });

    it('survive each call whose answer is lost', { timeout: 600_000 }, async () => {
      const { cells, failed } = await crashMatrix(brokerHarness(server, 'monitoring'), {
        only: ({ place, fault }) => / target /.test(place) && fault === 'lost-answer',
      });
      expect(failed.map(({ id, place, failure }) => ({ id, place, failure }))).toEqual([]);
      expect(cells.length).toBeGreaterThan(10);
    });
  });
}
