import { randomUUID } from 'node:crypto';
import { afterAll, describe, expect, it } from 'vitest';
import { rabbitMq } from '../../../rotators/rabbitmq/index.ts';
import { crashMatrix, describeRotator } from '../../../src/testing/index.ts';
import { startRabbitMq } from '../../support/rabbitmq.ts';
import { startFixture } from '../../support/rotation-fixture.ts';
import { rabbitMqHarness } from './harness.ts';

/** Two wordings of the same refusal: each release line that is supported. */
const programs = [
  ['RabbitMQ 3', 'KEYTURN_TEST_RABBITMQ_SERVER', process.env.KEYTURN_TEST_RABBITMQ_SERVER],
  ['RabbitMQ 4', 'KEYTURN_TEST_RABBITMQ4_SERVER', process.env.KEYTURN_TEST_RABBITMQ4_SERVER],
] as const;

for (const [release, variable, program] of programs) {
  if (program === undefined) {
    it(`rotates passwords of a real ${release}`, ({ skip }) =>
      skip(`${variable} names no script rabbitmq-server.`));
    continue;
  }
  const server = await startRabbitMq(program);
  afterAll(server.stop);
  const { url: host, admin, ask } = server;
  describeRotator(release, rabbitMqHarness(server));

  describe(`users of a real ${release}`, () => {
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
      const { cells, failed } = await crashMatrix(rabbitMqHarness(server, 'monitoring'), {
        only: ({ place, fault }) => / target /.test(place) && fault === 'lost-answer',
      });
      expect(failed.map(({ id, place, failure }) => ({ id, place, failure }))).toEqual([]);
      expect(cells.length).toBeGreaterThan(10);
    });
  });
}
