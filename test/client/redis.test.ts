import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createIoRedis, createNodeRedis, createSecrets } from '../../src/client/index.ts';
import type { SecretFields } from '../../src/index.ts';
import { describeUnless } from '../sam/tools.ts';
import { type RotationFixture, startFixture } from '../support/rotation-fixture.ts';
import { rotateByHand } from './support/by-hand.ts';
import { findProgram, type OwnServer, startRedis } from './support/servers.ts';
import { type Application, startApplication, underLoad } from './support/world.ts';

const program = await findProgram('valkey-server', 'redis-server');
const adminPassword = randomBytes(12).toString('hex');
const newPassword = (): string => randomBytes(12).toString('hex');

let server: OwnServer;
let fixture: RotationFixture;
let admin: Redis;
const closing: (() => unknown)[] = [];
let users = 0;

/** Makes a user with this one password, and forgets the ones before. */
const setUser = ({ username, password }: SecretFields): Promise<unknown> =>
  admin.call('ACL', 'SETUSER', String(username), 'on', 'resetpass', `>${password}`, '~*', '&*', '+@all');

/** Ends all connections but the admin's, as a failover does. */
const endConnections = (username: string): Promise<unknown> =>
  admin.call('CLIENT', 'KILL', 'USER', username).catch(() => undefined);

async function start(): Promise<Application & { readonly arn: string; readonly username: string }> {
  users += 1;
  const username = `app${users}`;
  const fields = { engine: 'redis', host: '127.0.0.1', port: server.port, username, password: newPassword() };
  await setUser(fields);
  const arn = await fixture.createSecret(fields);
  const application = startApplication(fixture, arn);
  closing.push(application.close);
  return { ...application, arn, username };
}

const rotate = (arn: string, between?: () => Promise<unknown>): Promise<void> =>
  rotateByHand(fixture, arn, {
    next: { password: newPassword() },
    change: setUser,
    ...(between && { between }),
  });

const missing = program === undefined ? 'there is neither redis-server nor valkey-server' : undefined;

describeUnless(missing, 'ioredis and node-redis at a real Redis', () => {
  beforeAll(async () => {
    server = await startRedis(program ?? '', adminPassword);
    admin = new Redis({ port: server.port, password: adminPassword });
    fixture = await startFixture({ rotators: [] });
  });
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });
  afterAll(async () => {
    admin.disconnect();
    await fixture.close();
    await server.stop();
  });

  describe('a client of ioredis', () => {
    async function startIoRedis(settings = {}) {
      const application = await start();
      const redis = await createIoRedis(Redis, application.secret, { retryStrategy: () => 5 }, settings);
      const errors: Error[] = [];
      redis.on('error', (error: Error) => errors.push(error));
      closing.push(() => redis.disconnect());
      return { ...application, redis, errors };
    }

    it('loses no command through rotations that end its connections, and tells no error of a login', async () => {
      const { redis, arn, username, errors, count } = await startIoRedis();
      const load = await underLoad(
        20,
        () => redis.incr('counter'),
        async () => {
          for (let time = 0; time < 5; time += 1) {
            await rotate(arn, () => endConnections(username));
            await redis.get('counter');
          }
        },
      );
      expect(load.errors).toEqual([]);
      expect(errors.filter(({ message }) => /WRONGPASS|NOAUTH/.test(message))).toEqual([]);
      expect(count('bridged')).toBeGreaterThan(0);
    });

    it('is an instance of the driver’s class, logged in as the user of the secret', async () => {
      const { redis, username } = await startIoRedis();
      expect(redis).toBeInstanceOf(Redis);
      expect(await redis.call('ACL', 'WHOAMI')).toBe(username);
    });

    it('goes on with the same connection if open connections are kept', async () => {
      const { redis, arn } = await startIoRedis();
      const before = await redis.client('ID');
      await rotate(arn);
      expect(await redis.client('ID')).toBe(before);
    });

    it('logs its open connection in again if configured', async () => {
      vi.useFakeTimers({ toFake: ['setInterval'] });
      try {
        const { redis, arn, secret, username } = await startIoRedis({ openConnections: 'drain' });
        const before = await redis.client('ID');
        const other = `${username}_clone`;
        await rotateByHand(fixture, arn, {
          next: { username: other, password: newPassword() },
          change: setUser,
        });
        await secret.refresh();
        await vi.advanceTimersByTimeAsync(60_000);
        await expect.poll(() => redis.call('ACL', 'WHOAMI')).toBe(other);
        expect(await redis.client('ID')).toBe(before);
      } finally {
        vi.useRealTimers();
      }
    });

    it('tries again if nobody listens yet', async () => {
      const { arn } = await start();
      const closed = await startRedis(program ?? '', adminPassword);
      await closed.stop();
      await fixture.put(arn, { ...(await fixture.read(arn)), port: closed.port });
      const application = startApplication(fixture, arn);
      closing.push(application.close);
      const redis = await createIoRedis(Redis, application.secret, { maxRetriesPerRequest: 2 });
      redis.on('error', () => undefined);
      closing.push(() => redis.disconnect());
      await expect(redis.ping()).rejects.toThrow(/max retries per request/);
    });
  });

  describe('a client of node-redis', () => {
    async function startNodeRedis(settings = {}) {
      const application = await start();
      const options = { socket: { reconnectStrategy: () => 5 } };
      const client = await createNodeRedis(createClient, application.secret, options, settings);
      const errors: Error[] = [];
      client.on('error', (error: Error) => errors.push(error));
      closing.push(() => client.destroy());
      await client.connect();
      return { ...application, client, errors };
    }

    it('reconnects through rotations that end its connections, and tells no error of a login', async () => {
      const { client, arn, username, errors, count } = await startNodeRedis();
      for (let time = 0; time < 5; time += 1) {
        await rotate(arn, () => endConnections(username));
        expect(await client.ping()).toBe('PONG');
      }
      expect(errors.filter(({ message }) => /WRONGPASS|NOAUTH/.test(message))).toEqual([]);
      expect(count('bridged')).toBeGreaterThan(0);
    });

    it('is logged in as the user of the secret', async () => {
      const { client, username } = await startNodeRedis();
      expect(await client.sendCommand(['ACL', 'WHOAMI'])).toBe(username);
    });

    it('tells a refusal that stays, and is back when there is a credential that works', async () => {
      const { client, arn, username, errors } = await startNodeRedis({ deadline: '200ms' });
      await setUser({ username, password: 'somebody has changed it by hand' });
      await endConnections(username);
      await expect.poll(() => errors.some(({ message }) => message.startsWith('WRONGPASS'))).toBe(true);
      await rotate(arn);
      await expect.poll(() => client.isReady).toBe(true);
      expect(await client.ping()).toBe('PONG');
    });
  });

  it('is refused for anything that is not a class of the driver', async () => {
    const { secret } = await start();
    for (const given of [undefined, createClient, class Redis {}, {}]) {
      await expect(Reflect.apply(createIoRedis, undefined, [given, secret])).rejects.toMatchObject({
        code: 'DriverUnknown',
      });
    }
    for (const given of [undefined, {}, () => ({})]) {
      await expect(Reflect.apply(createNodeRedis, undefined, [given, secret])).rejects.toMatchObject({
        code: 'DriverUnknown',
      });
    }
  });

  const secretOf = (fields: SecretFields) => {
    const read = async () => ({ arn: 'arn', versionId: '1', text: JSON.stringify(fields) });
    return createSecrets({ source: { read } }).secret('default');
  };

  async function answers(fields: SecretFields, command: [string, ...string[]]): Promise<unknown[]> {
    const redis = await createIoRedis(Redis, secretOf({ host: '127.0.0.1', port: server.port, ...fields }));
    closing.push(() => redis.disconnect());
    const client = await createNodeRedis(
      createClient,
      secretOf({ host: '127.0.0.1', port: server.port, ...fields }),
    );
    closing.push(() => client.destroy());
    await client.connect();
    const [name, ...args] = command;
    return [await redis.call(name, ...args), await client.sendCommand(command)];
  }

  it('takes a password without a username as the default user’s', async () => {
    const names = await answers({ password: adminPassword }, ['ACL', 'WHOAMI']);
    expect(names).toEqual(['default', 'default']);
  });

  it.each([
    { dbname: '3', database: '3' },
    { dbname: 'orders', database: '0' },
  ])('takes the database $database for a dbname of $dbname', async ({ dbname, database }) => {
    const infos = await answers({ password: adminPassword, dbname }, ['CLIENT', 'INFO']);
    for (const info of infos) expect(info).toContain(` db=${database} `);
  });
});
