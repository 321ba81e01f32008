import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import callbacks from 'mysql2';
import promises from 'mysql2/promise';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { createMysqlPool } from '../../src/client/index.ts';
import type { SecretFields } from '../../src/index.ts';
import { describeUnless } from '../sam/tools.ts';
import { type RotationFixture, startFixture } from '../support/rotation-fixture.ts';
import { rotateByHand } from './support/by-hand.ts';
import { findProgram, type OwnServer, startMariaDb } from './support/servers.ts';
import { type Application, startApplication, underLoad } from './support/world.ts';

const program = await findProgram('mariadbd');
const install = await findProgram('mariadb-install-db');
const newPassword = (): string => `it's "x" ${randomBytes(12).toString('hex')}`;

let server: OwnServer;
let fixture: RotationFixture;
let admin: promises.Connection;
let users = 0;

const setPassword = ({ username, password }: SecretFields): Promise<unknown> =>
  admin.query('CREATE OR REPLACE USER ?@? IDENTIFIED BY ?', [username, '127.0.0.1', password]);

async function start(): Promise<Application & { readonly arn: string; readonly fields: SecretFields }> {
  users += 1;
  const login = { username: `app${users}`, password: newPassword() };
  const fields = { engine: 'mysql', host: '127.0.0.1', port: server.port, ...login };
  await setPassword(fields);
  const arn = await fixture.createSecret(fields);
  const application = startApplication(fixture, arn);
  onTestFinished(application.close);
  return { ...application, arn, fields };
}

const rotate = (arn: string, next: SecretFields = {}): Promise<void> =>
  rotateByHand(fixture, arn, { next: { password: newPassword(), ...next }, change: setPassword });

const missing = program === undefined || install === undefined ? 'there is no mariadbd' : undefined;

describeUnless(missing, 'mysql2 at a real MariaDB', () => {
  beforeAll(async () => {
    server = await startMariaDb(program ?? '', install ?? '');
    admin = await promises.createConnection({ host: '127.0.0.1', port: server.port, user: 'root' });
    fixture = await startFixture({ rotators: [] });
  });
  afterAll(async () => {
    await admin?.end();
    await fixture?.close();
    await server?.stop();
  });

  async function startPool(options: promises.PoolOptions = {}, settings = {}) {
    const application = await start();
    const given = { connectionLimit: 20, ...options };
    const pool = await createMysqlPool(promises.createPool, application.secret, given, settings);
    onTestFinished(() => pool.end());
    return { ...application, pool };
  }

  async function userOf(pool: promises.Pool): Promise<unknown> {
    const [rows] = await pool.query<promises.RowDataPacket[]>(
      'SELECT SUBSTRING_INDEX(USER(), "@", 1) AS user',
    );
    return rows[0]?.user;
  }

  it('serves 20 at once through rotations, and nobody notices', async () => {
    const { pool, arn, count } = await startPool();
    const { done, errors } = await underLoad(
      20,
      async () => {
        const connection = await pool.getConnection();
        await connection.query('SELECT 1');
        // There are logins all the time.
        if (Math.random() < 0.3) connection.destroy();
        else connection.release();
      },
      async () => {
        for (let time = 0; time < 5; time += 1) await rotate(arn);
      },
    );
    expect(errors).toEqual([]);
    expect(done).toBeGreaterThan(20);
    expect(count('bridged')).toBeGreaterThan(0);
    expect(count('refusal-stayed')).toBe(0);
  });

  it('may change the user too, and closes connections of the old user if configured', async () => {
    const { pool, arn, fields, secret } = await startPool({}, { openConnections: 'drain' });
    const [idle, busy] = [await pool.getConnection(), await pool.getConnection()];
    idle.release();
    const other = `${fields.username}_clone`;
    await rotate(arn, { username: other });
    await secret.refresh();
    expect(await userOf(pool)).toBe(other);
    busy.release();
    expect(await Promise.all([userOf(pool), userOf(pool)])).toEqual([other, other]);
  });

  it('keeps open connections by default', async () => {
    const { pool, arn, fields, secret } = await startPool();
    await userOf(pool);
    await rotate(arn, { username: `${fields.username}_clone` });
    await secret.refresh();
    expect(await userOf(pool)).toBe(fields.username);
  });

  it('serves callbacks, and shows no password', async () => {
    const { secret, fields, arn } = await start();
    const pool = await createMysqlPool(callbacks.createPool, secret);
    onTestFinished(() => new Promise((resolve) => pool.end(() => resolve())));
    const ask = () =>
      new Promise((resolve, reject) => {
        pool.query('SELECT 1 AS one', (error, rows) => (error ? reject(error) : resolve(rows)));
      });
    expect(await ask()).toEqual([{ one: 1 }]);
    expect(inspect(pool.config ?? pool, { depth: 4 })).not.toContain(fields.password);
    await rotate(arn);
    const prepared = await new Promise((resolve, reject) => {
      pool.execute('SELECT ? AS two', [2], (error, rows) => (error ? reject(error) : resolve(rows)));
    });
    expect(prepared).toEqual([{ two: 2 }]);
  });

  it('passes on the driver’s own errors: those that are no refusal, and a refusal that stays', async () => {
    const { pool, arn, calls } = await startPool({ database: 'none' });
    await expect(pool.query('SELECT 1')).rejects.toMatchObject({ code: 'ER_DBACCESS_DENIED_ERROR' });
    expect(calls).toEqual(['GetSecretValue']);
    await fixture.put(arn, { ...(await fixture.read(arn)), password: 'wrong' });
    const { secret, close } = startApplication(fixture, arn);
    onTestFinished(close);
    const refused = await createMysqlPool(promises.createPool, secret, {}, { deadline: '300ms' });
    onTestFinished(() => refused.end());
    await expect(refused.query('SELECT 1')).rejects.toMatchObject({ code: 'ER_ACCESS_DENIED_ERROR' });
  });

  it('is refused for anything that is not the function of the driver', async () => {
    const { secret } = await start();
    for (const given of [undefined, promises, () => ({}), 'mysql']) {
      await expect(Reflect.apply(createMysqlPool, undefined, [given, secret])).rejects.toMatchObject({
        code: 'DriverUnknown',
      });
    }
  });
});
