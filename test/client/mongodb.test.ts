import { randomBytes } from 'node:crypto';
import { MongoClient, MongoServerError } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { createMongo, type PoolSettings } from '../../src/client/index.ts';
import type { SecretFields } from '../../src/index.ts';
import { type RotationFixture, startFixture } from '../support/rotation-fixture.ts';
import { rotateByHand } from './support/by-hand.ts';
import { type MongoStandIn, startMongoStandIn } from './support/mongo-stand-in.ts';
import { startApplication, underLoad } from './support/world.ts';

// At a stand-in for MongoDB, with the real driver: no package brings a server.
let server: MongoStandIn;
let fixture: RotationFixture;
beforeAll(async () => {
  server = await startMongoStandIn();
  fixture = await startFixture({ rotators: [] });
});
afterAll(async () => {
  await fixture.close();
  await server.stop();
});

let users = 0;
const newPassword = (): string => randomBytes(12).toString('hex');
const setUser = async ({ username, password }: SecretFields): Promise<void> => {
  server.users.set(String(username), String(password));
};

async function start(settings: PoolSettings = {}, options = {}) {
  users += 1;
  const login = { username: `app, ${users}=`, password: newPassword() };
  const fields = {
    engine: 'mongo',
    host: '127.0.0.1',
    port: server.port,
    dbname: 'shop',
    authSource: 'admin',
    ...login,
  };
  await setUser(fields);
  const arn = await fixture.createSecret(fields);
  const application = startApplication(fixture, arn);
  const mongo = await createMongo(MongoClient, application.secret, { maxPoolSize: 20, ...options }, settings);
  onTestFinished(async () => {
    await mongo.close();
    application.close();
  });
  return { ...application, arn, mongo, ...login };
}

const rotate = (arn: string, next: SecretFields = {}): Promise<void> =>
  rotateByHand(fixture, arn, { next: { password: newPassword(), ...next }, change: setUser });

const ping = (client: MongoClient) => client.db().command({ ping: 1 });
const userOf = async (client: MongoClient): Promise<unknown> =>
  (await client.db().command({ connectionStatus: 1 })).authInfo.authenticatedUsers[0].user;

describe('clients of MongoDB', () => {
  it('serve 20 at once through rotations, and nobody notices', async () => {
    // Connections end when they are idle for a moment, so that there are logins all the time.
    const { mongo, arn, count } = await start({}, { maxIdleTimeMS: 100, maxConnecting: 20 });
    const pause = () => new Promise((resolve) => setTimeout(resolve, 200 * Math.random()));
    const { done, errors } = await underLoad(
      20,
      async () => {
        await pause();
        await mongo.use(ping);
      },
      async () => {
        for (let time = 0; time < 3; time += 1) {
          // A client takes a moment until its pool is full again.
          await new Promise((resolve) => setTimeout(resolve, 1_000));
          await rotate(arn);
        }
        await new Promise((resolve) => setTimeout(resolve, 1_000));
      },
    );
    expect(errors).toEqual([]);
    expect(done).toBeGreaterThan(20);
    expect(count('bridged')).toBeGreaterThan(0);
    expect(count('refusal-stayed')).toBe(0);
  });

  it('are those of the driver, logged in as the user of the secret, one at a time', async () => {
    const { mongo, username } = await start();
    const client = await mongo.client();
    expect(client).toBeInstanceOf(MongoClient);
    expect(await userOf(client)).toBe(username);
    expect(await mongo.use((one) => one === client)).toBe(true);
  });

  it('keep open connections by default, and use the new credential for more connections', async () => {
    const { mongo, arn, username, secret } = await start();
    const other = `${username} clone`;
    await mongo.use(ping);
    server.users.delete(username);
    await rotate(arn, { username: other });
    await secret.refresh();
    expect(await mongo.use(userOf)).toBe(username);
    const names = await Promise.all([mongo.use(userOf), mongo.use(userOf), mongo.use(userOf)]);
    expect(names).toContain(other);
    expect(await mongo.use(userOf)).toBe(other);
    await expect.poll(() => server.sessions()).not.toContain(username);
  });

  it('turn to the new credential at once if configured, and let running operations end', async () => {
    const { mongo, arn, username, secret } = await start({ openConnections: 'drain' });
    const other = `${username} clone`;
    const { promise: mayEnd, resolve: end } = Promise.withResolvers<void>();
    const running = mongo.use(async (client) => {
      await ping(client);
      await mayEnd;
      return userOf(client);
    });
    await expect.poll(() => server.sessions()).toContain(username);
    await rotate(arn, { username: other });
    await secret.refresh();
    expect(await mongo.use(userOf)).toBe(other);
    end();
    expect(await running).toBe(username);
    await expect.poll(() => server.sessions()).not.toContain(username);
  });

  it('pass on the driver’s own errors: those that are no refusal, and a refusal that stays', async () => {
    const { mongo, calls, username } = await start({ deadline: '300ms' });
    await expect(mongo.use((client) => client.db().command({ noSuchCommand: 1 }))).rejects.toMatchObject({
      code: 59,
    });
    expect(calls).toEqual(['GetSecretValue']);
    server.users.set(username, 'changed by somebody');
    const refused = Promise.all([1, 2, 3].map(() => mongo.use(ping)));
    await expect(refused).rejects.toMatchObject({ code: 18 });
    await expect(refused).rejects.toBeInstanceOf(MongoServerError);
  });

  it('read a URL as it stands', async () => {
    const { username, password } = await start();
    const [user, secretPart] = [username, password].map(encodeURIComponent);
    const arn = await fixture.createSecret(
      `mongodb://${user}:${secretPart}@127.0.0.1:${server.port}/shop?authSource=admin&appName=orders`,
    );
    const { secret, close } = startApplication(fixture, arn);
    const mongo = await createMongo(MongoClient, secret);
    onTestFinished(async () => {
      await mongo.close();
      close();
    });
    expect(await mongo.use(userOf)).toBe(username);
    expect((await mongo.client()).options.appName).toBe('orders');
  });

  it('are refused when they are closed, and for anything that is not a class of the driver', async () => {
    const { mongo, secret } = await start();
    await mongo.close();
    await expect(mongo.use(ping)).rejects.toMatchObject({ code: 'ClientClosed' });
    await expect(mongo.client()).rejects.toMatchObject({ code: 'ClientClosed' });
    for (const given of [undefined, {}, class MongoClient {}]) {
      await expect(Reflect.apply(createMongo, undefined, [given, secret])).rejects.toMatchObject({
        code: 'DriverUnknown',
      });
    }
  });
});
