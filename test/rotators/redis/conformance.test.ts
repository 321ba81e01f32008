import { afterAll, it } from 'vitest';
import { describeRotator } from '../../../src/testing/index.ts';
import { findRedisPrograms, noRedis, startRedisServer } from '../../support/redis-server.ts';
import { redisHarness } from './harness.ts';

const programs = await findRedisPrograms();
if (programs.length === 0) it('rotates users of a real Redis', ({ skip }) => skip(noRedis));

for (const program of programs) {
  const server = await startRedisServer(program, { tls: true, users: 'acl-file' });
  afterAll(server.stop);
  describeRotator(`${program.name}, by the account`, redisHarness(server, { kind: 'account' }));
  describeRotator(`${program.name}, by an admin`, redisHarness(server, { kind: 'admin' }));
}
