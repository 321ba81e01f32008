import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { Cluster, Redis } from 'ioredis';
import { createCluster, createSentinel } from 'redis';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  createIoRedis,
  createIoRedisCluster,
  createNodeRedisCluster,
  createNodeRedisSentinel,
} from '../../src/client/index.ts';
import type { SecretFields } from '../../src/index.ts';
import { describeUnless } from '../sam/tools.ts';
import {
  findRedisProgram,
  noRedis,
  type RedisCluster,
  type RedisGroup,
  type Sentinel,
  startRedisCluster,
  startReplication,
  startSentinel,
} from '../support/redis-server.ts';
import { type RotationFixture, startFixture } from '../support/rotation-fixture.ts';
import { rotateByHand } from './support/by-hand.ts';
import { startApplication, underLoad } from './support/world.ts';

const newPassword = (): string => randomBytes(12).toString('hex');
const program = await findRedisProgram();

describeUnless(program === undefined ? noRedis : undefined, 'clients of several servers', () => {
  const found = program ?? { name: '', path: '' };
  let fixture: RotationFixture;
  const closing: (() => unknown)[] = [];
  beforeAll(async () => {
    fixture = await startFixture({ rotators: [] });
  });
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });
  afterAll(() => fixture.close());

  let users = 0;
  /** A user at every server, its secret, an application that reads it, and rotations that leave a gap. */
  async function start(group: RedisGroup | RedisCluster, where: SecretFields) {
    users += 1;
    const username = `app${users}`;
    const setUser = async ({ password }: SecretFields): Promise<void> =>
      void (await group.askAll(
        'ACL',
        'SETUSER',
        username,
        'on',
        'resetpass',
        `>${String(password)}`,
        '~*',
        '&*',
        '+@all',
      ));
    const fields = { engine: 'redis', host: '127.0.0.1', ...where, username, password: newPassword() };
    await setUser(fields);
    const arn = await fixture.createSecret(fields);
    const application = startApplication(fixture, arn);
    closing.push(application.close);
    const rotate = (): Promise<void> =>
      rotateByHand(fixture, arn, {
        next: { password: newPassword() },
        change: setUser,
        // As a failover does.
        between: () => group.askAll('CLIENT', 'KILL', 'USER', username).catch(() => undefined),
      });
    return { ...application, rotate, username };
  }
  const refusals = (errors: readonly unknown[]): unknown[] =>
    errors.filter((error) => /WRONGPASS|NOAUTH/.test(String(error)));

  describe('of a cluster', () => {
    let cluster: RedisCluster;
    const keys = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
    beforeAll(async () => {
      cluster = await startRedisCluster(found);
    });
    afterAll(() => cluster.stop());
    const where = () => ({ host: cluster.servers.map(({ port }) => `127.0.0.1:${port}`).join(',') });

    it('of ioredis lose no command through rotations that end all connections', async () => {
      const { secret, rotate, username } = await start(cluster, where());
      const client = await createIoRedisCluster(Cluster, secret, {
        clusterRetryStrategy: () => 20,
        retryDelayOnFailover: 20,
        retryDelayOnClusterDown: 20,
        // A command may be tried again for as long as it takes until the client is logged in again.
        maxRedirections: 1_000,
      });
      closing.push(() => client.disconnect());
      const errors: unknown[] = [];
      client.on('error', (error) => errors.push(error));
      expect(client).toBeInstanceOf(Cluster);
      const load = await underLoad(
        4,
        () => Promise.all(keys.map((key) => client.incr(key))),
        async () => {
          for (let time = 0; time < 3; time += 1) await rotate();
        },
      );
      expect(load.errors).toEqual([]);
      expect(load.done).toBeGreaterThan(0);
      expect(refusals(errors)).toEqual([]);
      expect(await client.call('ACL', 'WHOAMI')).toBe(username);
    });

    it('of node-redis reconnect through rotations that end all connections, and tell no refusal', async () => {
      const { secret, rotate } = await start(cluster, where());
      const options = { defaults: { socket: { reconnectStrategy: () => 10 } } };
      const client = await createNodeRedisCluster(createCluster, secret, options);
      const errors: unknown[] = [];
      client.on('error', (error) => errors.push(error)).on('node-error', (error) => errors.push(error));
      closing.push(() => client.destroy());
      await client.connect();
      for (let time = 0; time < 3; time += 1) {
        await rotate();
        for (const key of keys) await expect.poll(() => client.set(key, '1')).toBe('OK');
      }
      expect(refusals(errors)).toEqual([]);
    });
  });

  describe('behind Sentinel', () => {
    let group: RedisGroup;
    let sentinel: Sentinel;
    beforeAll(async () => {
      group = await startReplication(found);
      sentinel = await startSentinel(found, group.servers[0]);
    });
    afterAll(async () => {
      await sentinel.stop();
      await group.stop();
    });
    const where = () => ({ port: sentinel.port, mastername: 'shop' });

    it('of ioredis find the master, and lose no command through rotations that end all connections', async () => {
      const { secret, rotate, username } = await start(group, where());
      const redis = await createIoRedis(Redis, secret, { retryStrategy: () => 10 });
      closing.push(() => redis.disconnect());
      const errors: unknown[] = [];
      redis.on('error', (error) => errors.push(error));
      const load = await underLoad(
        10,
        () => redis.incr('counter'),
        async () => {
          for (let time = 0; time < 3; time += 1) await rotate();
        },
      );
      expect(load.errors).toEqual([]);
      expect(refusals(errors)).toEqual([]);
      expect(await redis.call('ACL', 'WHOAMI')).toBe(username);
    });

    it('of node-redis find the master, and reconnect through rotations that end all connections', async () => {
      const { secret, rotate } = await start(group, where());
      const options = { nodeClientOptions: { socket: { reconnectStrategy: () => 10 } } };
      const client = await createNodeRedisSentinel(createSentinel, secret, options);
      const errors: unknown[] = [];
      client.on('error', (error) => errors.push(error)).on('client-error', ({ error }) => errors.push(error));
      closing.push(() => client.destroy());
      await client.connect();
      for (let time = 0; time < 3; time += 1) {
        await rotate();
        await expect.poll(() => client.set('key', '1')).toBe('OK');
      }
      expect(refusals(errors)).toEqual([]);
    });
  });

  it('are told that the Sentinels know no master of the name', async () => {
    // A Sentinel's answer for an unknown name.
    const server = createServer((socket) => socket.on('data', () => socket.write('*-1\r\n')));
    closing.push(() => server.close());
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = Object(server.address());
    const fields = { host: '127.0.0.1', port, mastername: 'nobody', password: newPassword() };
    const { secret } = startApplication(fixture, await fixture.createSecret(fields));
    // The driver asks for credentials once it has found a master, which may be gone by then.
    type Options = { nodeClientOptions: { credentialsProvider: { credentials(): Promise<unknown> } } };
    const createDriver = ({ nodeClientOptions }: Options) => ({
      connect: () => undefined,
      nodeClientOptions,
    });
    const { nodeClientOptions } = await createNodeRedisSentinel(createDriver, secret);
    await expect(nodeClientOptions.credentialsProvider.credentials()).rejects.toMatchObject({
      code: 'TargetUnreachable',
      field: 'mastername',
    });
  });

  it('are refused for anything that is not the driver', async () => {
    const { secret } = startApplication(fixture, await fixture.createSecret({ host: 'h', password: 'x' }));
    for (const make of [createIoRedisCluster, createNodeRedisCluster, createNodeRedisSentinel]) {
      for (const given of [undefined, class Redis {}, {}])
        await expect(Reflect.apply(make, undefined, [given, secret])).rejects.toMatchObject({
          code: 'DriverUnknown',
        });
    }
    await expect(createIoRedisCluster(Redis, secret)).rejects.toMatchObject({ code: 'DriverUnknown' });
  });
});
