import { once } from 'node:events';
import { createServer } from 'node:net';
import { inspect } from 'node:util';
import { CreateSecretCommand } from '@aws-sdk/client-secrets-manager';
import mssql from 'mssql';
import { Connection, Request } from 'tedious';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { sqlServer, sqlServerAlternatingUsers } from '../../rotators/sqlserver/index.ts';
import { createMssqlPool, createTediousConnector, type PoolSettings } from '../../src/client/index.ts';
import { type RotationFixture, startFixture } from '../support/rotation-fixture.ts';
import { standInHarness, type TestLogin } from '../support/tds/harness.ts';
import { type Application, startApplication, underLoad } from './support/world.ts';

// At the stand-in for SQL Server, with the real drivers: it checks logins, and knows few statements.
let harness: Awaited<ReturnType<typeof standInHarness>>;
let fixture: RotationFixture;
beforeAll(async () => {
  harness = await standInHarness();
  fixture = await startFixture({
    rotators: [sqlServer(harness.options), sqlServerAlternatingUsers(harness.options)],
  });
});
afterAll(async () => {
  await fixture.close();
  await harness.stop();
});

const tls = () => ({ options: { cryptoCredentialsDetails: { ca: harness.standIn.ca } } });

async function start(
  arn: string,
  { settings = {}, pool: limits = {} }: { settings?: PoolSettings; pool?: object } = {},
): Promise<Application & { readonly pool: mssql.ConnectionPool }> {
  const application = startApplication(fixture, arn);
  const pool = await createMssqlPool(
    mssql.ConnectionPool,
    application.secret,
    { ...tls(), pool: { max: 20, ...limits } },
    settings,
  );
  onTestFinished(async () => {
    await pool.close();
    application.close();
  });
  return { ...application, pool };
}

async function singleUser(): Promise<{ readonly arn: string; readonly login: TestLogin }> {
  const login = await harness.createLogin();
  return { arn: await fixture.createSecret(harness.secretOf(login)), login };
}

async function alternatingUsers(): Promise<{ readonly arn: string; readonly login: TestLogin }> {
  const masterarn = await fixture.createSecret(harness.adminSecret());
  const login = await harness.createLogin();
  return { arn: await fixture.createSecret({ ...harness.secretOf(login), masterarn }), login };
}

const work = (pool: mssql.ConnectionPool) => pool.request().query('SELECT 1');

/** Closes what is idle, so that there are logins all the time. */
const short = { idleTimeoutMillis: 1, reapIntervalMillis: 5 };

describe('a mssql.ConnectionPool', () => {
  it.each([
    { strategy: 'a single user', make: singleUser },
    { strategy: 'alternating users', make: alternatingUsers },
  ])('serves 20 at once through rotations of $strategy, and nobody notices', async ({ make }) => {
    const { arn } = await make();
    const { pool, count } = await start(arn, { pool: short });
    const heard: unknown[] = [];
    pool.on('error', (error) => heard.push(error));
    const pause = () => new Promise((resolve) => setTimeout(resolve, 200 * Math.random()));
    const { done, errors } = await underLoad(
      20,
      async () => {
        await pause();
        await work(pool);
      },
      async () => {
        for (let time = 0; time < 3; time += 1) expect(await fixture.rotate(arn)).toBeUndefined();
      },
    );
    expect([errors, heard]).toEqual([[], []]);
    expect(done).toBeGreaterThan(20);
    expect(count('refusal-stayed')).toBe(0);
    // The pool tries its login once and then makes its connections: there is always one after a rotation.
    await pool.close();
    await pool.connect();
    expect(count('bridged')).toBeGreaterThan(0);
  });

  it('is an instance of the driver’s class, and shows no password', async () => {
    const { arn, login } = await singleUser();
    const { pool } = await start(arn);
    expect(pool).toBeInstanceOf(mssql.ConnectionPool);
    await work(pool);
    expect(inspect(pool, { depth: 6 })).not.toContain(login.password);
  });

  it('serves transactions and callbacks as it did', async () => {
    const { pool } = await start((await singleUser()).arn);
    const answered = await new Promise((resolve, reject) => {
      pool.request().query('SELECT 1', (error, result) => (error ? reject(error) : resolve(result)));
    });
    expect(answered).toMatchObject({ rowsAffected: [] });
    const connected = await new Promise((resolve, reject) => {
      pool.connect((error: unknown) => (error ? reject(error) : resolve(pool.connected)));
    });
    expect(connected).toBe(true);
  });

  it('closes connections of the old credential if configured', async () => {
    const { arn, login } = await alternatingUsers();
    const { pool, secret } = await start(arn, { settings: { openConnections: 'drain' } });
    await Promise.all([work(pool), work(pool)]);
    expect(await fixture.rotate(arn)).toBeUndefined();
    await secret.refresh();
    const { logins } = harness.standIn;
    const before = logins.length;
    await Promise.all([work(pool), work(pool)]);
    const names = logins.slice(before).map(({ username }) => username);
    // One connection may serve both, if its first work ends before the second begins.
    expect(new Set(names)).toEqual(new Set([`${login.username}_clone`]));
  });

  it('keeps them by default', async () => {
    const { arn } = await singleUser();
    const { pool, secret } = await start(arn);
    await work(pool);
    expect(await fixture.rotate(arn)).toBeUndefined();
    await secret.refresh();
    const before = harness.standIn.logins.length;
    await work(pool);
    expect(harness.standIn.logins).toHaveLength(before);
  });

  it('logs in where the secret says, also when that has changed', async () => {
    const { arn } = await singleUser();
    const { pool, secret } = await start(arn, { pool: short });
    await work(pool);
    const door = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
    const visited = once(door, 'connection');
    await once(door, 'listening');
    onTestFinished(() => void door.close());
    const address = door.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    await fixture.put(arn, { ...(await fixture.read(arn)), host: '127.0.0.1', port });
    await secret.refresh();
    await expect.poll(() => pool.size).toBe(0);
    const before = harness.standIn.logins.length;
    await expect(work(pool)).rejects.toBeInstanceOf(mssql.ConnectionError);
    await visited;
    expect(harness.standIn.logins).toHaveLength(before);
  });

  it('passes on the driver’s own error for a refusal that stays', async () => {
    const login = await harness.createLogin();
    const arn = await fixture.createSecret({ ...harness.secretOf(login), password: 'Wrong-password-1' });
    const { secret, close } = startApplication(fixture, arn);
    onTestFinished(close);
    const connecting = createMssqlPool(mssql.ConnectionPool, secret, tls(), { deadline: '300ms' });
    await expect(connecting).rejects.toThrow(/^Login failed for user/);
    await expect(connecting).rejects.toBeInstanceOf(mssql.ConnectionError);
  });

  it('passes on the driver’s own error if it is no refusal, and reads no secret', async () => {
    const login = await harness.createLogin();
    const arn = await fixture.createSecret(harness.secretOf(login, 'no-such-database'));
    const { secret, close, calls } = startApplication(fixture, arn);
    onTestFinished(close);
    const connecting = createMssqlPool(mssql.ConnectionPool, secret, tls());
    await expect(connecting).rejects.toBeInstanceOf(mssql.ConnectionError);
    expect(calls).toEqual(['GetSecretValue']);
  });

  it('is refused for anything that is not a class of the driver', async () => {
    const { secret } = startApplication(fixture, (await singleUser()).arn);
    for (const given of [undefined, mssql, Connection, class ConnectionPool {}]) {
      await expect(Reflect.apply(createMssqlPool, undefined, [given, secret])).rejects.toMatchObject({
        code: 'DriverUnknown',
      });
    }
  });
});

describe('dev/MyTestConnectionString/SqlServer', () => {
  it('is read as the plain text that it is, by a pool that serves on through its rotation', async () => {
    const { username, password } = await harness.createLogin();
    const { host, port } = harness.secretOf({ username: '', password: '' });
    const quoted = (value: string): string => `"${value.replaceAll('"', '""')}"`;
    const text = `server = tcp:${host},${port};Initial Catalog=${harness.database}; User ID=${quoted(username)};PWD = ${quoted(password)} ;ApplicationIntent=ReadWrite;;Encrypt=True;App='a;b'`;
    const name = 'dev/MyTestConnectionString/SqlServer';
    await fixture.client.send(new CreateSecretCommand({ Name: name, SecretString: text }));
    const { pool, count } = await start(name, { pool: short });
    await work(pool);
    expect(await fixture.rotate(name)).toBeUndefined();
    await expect.poll(() => pool.size).toBe(0);
    await work(pool);
    expect(await harness.canLogIn({ username, password })).toBe(false);
    expect([count('bridged'), count('refusal-stayed')]).toEqual([1, 0]);
  });
});

describe('a connection of tedious', () => {
  const statement = (connection: Connection): Promise<void> =>
    new Promise((resolve, reject) => {
      connection.execSql(new Request('SELECT 1', (error) => (error ? reject(error) : resolve())));
    });

  it('is opened through a rotation', async () => {
    const { arn } = await singleUser();
    const { secret, count, close } = startApplication(fixture, arn);
    onTestFinished(close);
    const connect = await createTediousConnector(Connection, secret, tls());
    const connectAndAsk = async () => {
      const connection = await connect();
      await statement(connection);
      connection.close();
    };
    const { errors } = await underLoad(3, connectAndAsk, async () => {
      for (let time = 0; time < 3; time += 1) expect(await fixture.rotate(arn)).toBeUndefined();
    });
    expect(errors).toEqual([]);
    expect(count('bridged')).toBeGreaterThan(0);
  });

  it('is refused for anything that is not a class of the driver', async () => {
    const { secret } = startApplication(fixture, (await singleUser()).arn);
    await expect(
      Reflect.apply(createTediousConnector, undefined, [mssql.ConnectionPool, secret]),
    ).rejects.toMatchObject({ code: 'DriverUnknown' });
  });
});
