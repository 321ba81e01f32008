import { inspect } from 'node:util';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest';
import { createPgPool, refusedBy } from '../../src/client/index.ts';
import {
  adminSecret,
  asAdmin,
  createLogin,
  loginOf,
  secretOf,
  type TestLogin,
} from '../support/postgres-fixtures.ts';
import { type RotationFixture, startFixture } from '../support/rotation-fixture.ts';
import { type Application, startApplication, underLoad } from './support/world.ts';

let fixture: RotationFixture;
beforeAll(async () => {
  fixture = await startFixture();
});
afterAll(() => fixture.close());

const tls = () => ({ ssl: { ca: inject('postgres').ca } });

/** An application with a pool, and all that is closed at the end of a test. */
async function start(
  arn: string,
  { settings = {}, options = {} }: { settings?: object; options?: pg.PoolConfig } = {},
): Promise<Application & { readonly pool: pg.Pool }> {
  const application = startApplication(fixture, arn);
  const pool = await createPgPool(pg.Pool, application.secret, { ...tls(), max: 20, ...options }, settings);
  onTestFinished(async () => {
    await pool.end();
    application.close();
  });
  return { ...application, pool };
}

/** Each connection serves twice, so that there are logins all the time. */
const short: pg.PoolConfig = { maxUses: 2 };

async function userOf(pool: pg.Pool): Promise<string> {
  const { rows } = await pool.query<{ user: string }>('SELECT session_user AS user');
  return rows[0]?.user ?? '';
}

async function singleUser(): Promise<{ readonly arn: string; readonly login: TestLogin }> {
  const login = await createLogin('client');
  return { arn: await fixture.createSecret(secretOf(login)), login };
}

async function alternatingUsers(): Promise<{ readonly arn: string; readonly login: TestLogin }> {
  const masterarn = await fixture.createSecret(adminSecret());
  const login = await createLogin('client');
  return { arn: await fixture.createSecret({ ...secretOf(login), masterarn }), login };
}

describe('a pg.Pool', () => {
  it.each([
    { strategy: 'a single user', make: singleUser, rotations: 5 },
    { strategy: 'alternating users', make: alternatingUsers, rotations: 5 },
  ])('serves 20 at once through rotations of $strategy, and nobody notices', async ({ make, rotations }) => {
    const { arn } = await make();
    const { pool, calls, count } = await start(arn, { options: short });
    const { done, errors } = await underLoad(
      20,
      () => pool.query('SELECT 1'),
      async () => {
        for (let time = 0; time < rotations; time += 1) expect(await fixture.rotate(arn)).toBeUndefined();
      },
    );
    expect(errors).toEqual([]);
    expect(done).toBeGreaterThan(rotations);
    expect(count('bridged')).toBeGreaterThan(0);
    expect(count('refusal-stayed')).toBe(0);
    // In each rotation, the application goes on with AWSCURRENT, with AWSPENDING, or with a later read.
    expect(calls.length).toBeLessThanOrEqual(1 + 4 * rotations);
  });

  it('is an instance of the driver’s class, with its own options, and shows no password', async () => {
    const { arn, login } = await singleUser();
    const { pool } = await start(arn, { options: { application_name: 'orders', max: 3 } });
    expect(pool).toBeInstanceOf(pg.Pool);
    expect(await userOf(pool)).toBe(login.username);
    const client = await pool.connect();
    const { rows } = await client.query('SHOW application_name');
    client.release();
    expect(rows).toEqual([{ application_name: 'orders' }]);
    expect([pool.totalCount, pool.options.max]).toEqual([1, 3]);
    expect(inspect(pool, { depth: 5 }) + JSON.stringify(pool.options)).not.toContain(login.password);
  });

  it('takes callbacks as it did, and hands out what release needs', async () => {
    const { pool } = await start((await singleUser()).arn);
    const answer = await new Promise((resolve, reject) => {
      pool.query('SELECT 1 AS one', (error, { rows }) => (error ? reject(error) : resolve(rows)));
    });
    expect(answer).toEqual([{ one: 1 }]);
    const released = await new Promise((resolve, reject) => {
      pool.connect((error, client, done) => {
        if (error || client === undefined) return reject(error);
        done();
        resolve(pool.idleCount);
      });
    });
    expect(released).toBe(1);
  });

  it('keeps open connections of the old credential, which go on serving', async () => {
    const { arn } = await singleUser();
    const { pool, calls } = await start(arn);
    const before = await pool.query('SELECT pg_backend_pid() AS pid');
    expect(await fixture.rotate(arn)).toBeUndefined();
    expect((await pool.query('SELECT pg_backend_pid() AS pid')).rows).toEqual(before.rows);
    expect(calls).toEqual(['GetSecretValue']);
  });

  it('closes them if configured, as soon as nobody uses them', async () => {
    const { arn, login } = await alternatingUsers();
    const { pool, secret } = await start(arn, { settings: { openConnections: 'drain' } });
    const [idle, busy] = [await pool.connect(), await pool.connect()];
    idle.release();
    expect(await fixture.rotate(arn)).toBeUndefined();
    await secret.refresh();
    expect(await userOf(pool)).toBe(`${login.username}_clone`);
    expect((await busy.query('SELECT session_user AS user')).rows).toEqual([{ user: login.username }]);
    busy.release();
    expect(await userOf(pool)).toBe(`${login.username}_clone`);
    expect(pool.totalCount).toBe(1);
  });

  it('goes on when the server has ended all connections in the middle of a rotation', async () => {
    const { arn, login } = await singleUser();
    const { pool, count } = await start(arn);
    pool.on('error', () => undefined);
    await Promise.all(Array.from({ length: 20 }, () => pool.query('SELECT pg_sleep(0.05)')));
    expect(await fixture.rotate(arn)).toBeUndefined();
    await asAdmin((admin) =>
      admin.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1', [
        login.username,
      ]),
    );
    await expect.poll(() => pool.totalCount).toBe(0);
    await Promise.all(Array.from({ length: 20 }, () => pool.query('SELECT 1')));
    expect([count('bridged'), count('refusal-stayed')]).toEqual([20, 0]);
  });

  it('passes on the driver’s own error if it is no refusal, and reads no secret', async () => {
    const { arn } = await singleUser();
    const { pool, calls } = await start(arn, { options: { database: 'no such database' } });
    await expect(pool.query('SELECT 1')).rejects.toMatchObject({ code: '3D000' });
    expect(calls).toEqual(['GetSecretValue']);
  });

  it('passes on the driver’s own error for a refusal that stays, at the deadline', async () => {
    const login = await createLogin('client');
    const arn = await fixture.createSecret({ ...secretOf(login), password: 'wrong' });
    const { pool, count } = await start(arn, { settings: { deadline: '300ms' } });
    const refused = await Promise.allSettled([1, 2, 3].map(() => pool.query('SELECT 1')));
    for (const { reason } of refused as PromiseRejectedResult[]) {
      expect(reason).toBeInstanceOf(pg.DatabaseError);
      expect(refusedBy.postgres(reason)).toBe(true);
    }
    expect(count('refusal-stayed')).toBe(3);
  });

  it('reads a connection string as the rotators do', async () => {
    const { host, port } = inject('postgres');
    const login = await createLogin('client');
    const [user, password] = [login.username, login.password].map(encodeURIComponent);
    const arn = await fixture.createSecret(
      `postgres://${user}:${password}@${host}:${port}/postgres?sslmode=verify-full`,
    );
    const { pool } = await start(arn);
    expect(await userOf(pool)).toBe(login.username);
    expect(await fixture.rotate(arn)).toBeUndefined();
    expect(loginOf(await fixture.read(arn)).password).not.toBe(login.password);
    pool.options.maxUses = 1;
    await userOf(pool);
    expect(await userOf(pool)).toBe(login.username);
  });

  it('is refused for anything that is not a class of the driver', async () => {
    const { secret } = startApplication(fixture, (await singleUser()).arn);
    for (const given of [undefined, pg, pg.Client, class Pool {}, () => undefined, 'pg']) {
      await expect(Reflect.apply(createPgPool, undefined, [given, secret])).rejects.toMatchObject({
        code: 'DriverUnknown',
      });
    }
    await expect(
      createPgPool(pg.Pool, secret, { connectionString: 'postgres://somebody@else' }),
    ).rejects.toMatchObject({ code: 'InvalidConfiguration', field: 'connectionString' });
  });

  it('is refused for a secret that holds no login', async () => {
    const arn = await fixture.createSecret({ host: 'localhost', username: 'somebody' });
    const { secret } = startApplication(fixture, arn);
    await expect(createPgPool(pg.Pool, secret)).rejects.toMatchObject({
      code: 'InvalidSecretField',
      field: 'password',
    });
  });
});
