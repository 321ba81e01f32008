import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { postgres, postgresAlternatingUsers } from '../../../rotators/postgres/index.ts';
import { quoteIdentifier, quoteLiteral } from '../../../rotators/postgres/quoting.ts';
import { type PgBouncer, pgbouncerMissing, startPgBouncer } from '../../support/pgbouncer.ts';
import {
  randomPassword,
  rotatorContext,
  type TestLogin,
  uniqueName,
} from '../../support/postgres-fixtures.ts';
import { type PostgresServer, startPostgres } from '../../support/postgres-server.ts';
import { startFixture } from '../../support/rotation-fixture.ts';

const [single, alternating] = [postgres(), postgresAlternatingUsers()];

describe.skipIf(pgbouncerMissing !== undefined)('behind a real PgBouncer', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres({ tls: false, hba: ['host all all all md5'] });
  });
  afterAll(() => server.stop());

  const sql = async (...statements: string[]) =>
    server.asAdmin(async (client) => {
      for (const statement of statements) await client.query(statement);
    });
  async function role(encryption: 'md5' | 'scram-sha-256' = 'scram-sha-256'): Promise<TestLogin> {
    const login = { username: uniqueName('app'), password: randomPassword() };
    await sql(
      `SET password_encryption = '${encryption}'`,
      `CREATE ROLE ${quoteIdentifier(login.username)} LOGIN PASSWORD ${quoteLiteral(login.password)}`,
    );
    return login;
  }
  const secretOf = ({ host, port }: PgBouncer | PostgresServer, login: TestLogin) => ({
    engine: 'postgres',
    host,
    port,
    dbname: 'postgres',
    ssl: false,
    ...login,
  });

  async function opens(pooler: PgBouncer, login: TestLogin): Promise<boolean> {
    const session = await single.open(single.parse(secretOf(pooler, login)), rotatorContext());
    await session?.close();
    return session !== undefined;
  }

  async function change(pooler: PgBouncer, login: TestLogin): Promise<TestLogin> {
    const using = single.parse(secretOf(pooler, login));
    const session = await single.open(using, rotatorContext());
    if (session === undefined) throw new Error('The login was refused.');
    const pending = { ...using, password: randomPassword() };
    await single.change(session, pending, { ...rotatorContext(), using, current: using });
    await session.close();
    return { ...login, password: pending.password };
  }

  describe.each([
    ['scram-sha-256', 'transaction'],
    ['scram-sha-256', 'session'],
    ['md5', 'transaction'],
    ['md5', 'session'],
  ])('auth_type %s, pool_mode %s, auth_query', (authentication, mode) => {
    let pooler: PgBouncer;
    beforeAll(async () => {
      pooler = await startPgBouncer(server, [`auth_type = ${authentication}`, `pool_mode = ${mode}`]);
    });
    afterAll(() => pooler.stop());

    it('changes a password, and knows the refusal of a wrong one', async () => {
      const login = await role();
      expect(await opens(pooler, { ...login, password: 'wrong' })).toBe(false);
      const next = await change(pooler, login);
      expect(await opens(pooler, login)).toBe(false);
      expect(await opens(pooler, next)).toBe(true);
    });

    it('heals a rotation that was cut off after the change', async () => {
      const fixture = await startFixture({ rotators: [single] });
      try {
        const login = await role();
        const arn = await fixture.createSecret(secretOf(pooler, login));
        expect(await fixture.rotate(arn, { immediately: false })).toBeUndefined();
        const password = randomPassword();
        await fixture.put(arn, { ...secretOf(pooler, login), password }, ['AWSPENDING']);
        await sql(`ALTER ROLE ${quoteIdentifier(login.username)} PASSWORD ${quoteLiteral(password)}`);
        await fixture.clearPending(arn);
        expect(await fixture.rotate(arn)).toBeUndefined();
        const { password: rotated } = await fixture.read(arn);
        expect(await opens(pooler, { ...login, password: String(rotated) })).toBe(true);
      } finally {
        await fixture.close();
      }
    });
  });

  it('knows the refusal where it asks for the password itself, and what it can’t do then', async () => {
    const pooler = await startPgBouncer(server, ['auth_type = plain']);
    const [login, newer] = [await role('md5'), await role()];
    await sql(`ALTER ROLE ${quoteIdentifier(login.username)} SET password_encryption = 'md5'`);
    expect(await opens(pooler, { ...login, password: 'wrong' })).toBe(false);
    const next = await change(pooler, login);
    expect([await opens(pooler, login), await opens(pooler, next)]).toEqual([false, true]);
    const error = await opens(pooler, newer).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ message: expect.stringMatching(/wrong password type/) });
    expect(single.classify?.(error, 'open')).toBeUndefined();
    await pooler.stop();
  });

  it('leaves nothing behind in a session that the application gets next', async () => {
    const pooler = await startPgBouncer(server, [
      'auth_type = scram-sha-256',
      'pool_mode = transaction',
      'default_pool_size = 1',
    ]);
    const [login, group] = [await role(), uniqueName('group')];
    const name = quoteIdentifier(login.username);
    await sql(
      `CREATE ROLE ${quoteIdentifier(group)}`,
      `GRANT ${quoteIdentifier(group)} TO ${name}`,
      `ALTER ROLE ${name} SET role = ${quoteIdentifier(group)}`,
      `ALTER ROLE ${name} SET search_path = shop, public`,
      `ALTER ROLE ${name} SET default_transaction_read_only = on`,
      `ALTER ROLE ${name} SET synchronous_commit = off`,
    );
    const application = new pg.Client({
      ...pooler,
      user: login.username,
      password: login.password,
      database: 'postgres',
    });
    await application.connect();
    const look = async () => {
      const { rows } = await application.query(
        `SELECT pg_backend_pid() AS pid, current_user AS acting, current_setting('search_path') AS path,
           current_setting('transaction_read_only') AS read_only, current_setting('synchronous_commit') AS flushed,
           session_user AS login, (SELECT json_object_agg(name, setting) FROM pg_settings) AS settings,
           (SELECT json_agg(name ORDER BY name) FROM pg_prepared_statements) AS prepared,
           (SELECT json_agg(relname ORDER BY relname) FROM pg_class WHERE relpersistence = 't') AS temporary`,
      );
      return rows[0];
    };
    await application.query(
      "SET search_path = shop, public; SET lock_timeout = '7s'; SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE",
    );
    await application.query('CREATE TEMPORARY TABLE basket (x int)');
    await application.query('PREPARE total AS SELECT count(*) FROM basket');
    await application.query('SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY');
    const before = await look();
    expect(before).toMatchObject({ acting: group, path: 'shop, public', read_only: 'on', flushed: 'off' });
    const using = single.parse(secretOf(pooler, login));
    const session = await single.open(using, rotatorContext());
    if (session === undefined) throw new Error('The login was refused.');
    await single.preflight?.(session, using, undefined, rotatorContext());
    const pending = { ...using, password: randomPassword() };
    await single.change(session, pending, { ...rotatorContext(), using, current: using });
    expect(await look()).toEqual(before);
    await session.close();
    await application.end();
    await pooler.stop();
  });

  it('makes a clone and goes back, through the pooler', async () => {
    const pooler = await startPgBouncer(server, ['auth_type = scram-sha-256', 'pool_mode = transaction']);
    const fixture = await startFixture({ rotators: [alternating] });
    try {
      const login = await role();
      const masterarn = await fixture.createSecret(secretOf(pooler, server.admin));
      const arn = await fixture.createSecret(
        { ...secretOf(pooler, login), masterarn },
        { 'keyturn:rotator': 'postgres-alternating-users' },
      );
      for (const expected of [`${login.username}_clone`, login.username, `${login.username}_clone`]) {
        expect(await fixture.rotate(arn)).toBeUndefined();
        const { username, password } = await fixture.read(arn);
        expect(username).toBe(expected);
        expect(await opens(pooler, { username: expected, password: String(password) })).toBe(true);
      }
    } finally {
      await fixture.close();
      await pooler.stop();
    }
  });

  it('takes for a refusal what the server says of the account, and for an outage what it says of another', async () => {
    const [login, other] = [await role(), await role()];
    const line = (username: string, password: string) => `"${username}" "${password}"`;
    const stale = 'the password of last year';
    const pooler = await startPgBouncer(
      server,
      ['auth_type = scram-sha-256', 'pool_mode = session'],
      [line(login.username, stale), line(other.username, other.password)],
    );
    try {
      expect(await opens(pooler, { ...login, password: stale })).toBe(false);
      const unknown = await opens(pooler, { username: 'nobody by this name', password: 'x' }).catch(
        (e: unknown) => e,
      );
      expect([false, 'AccountMissing']).toContain(
        typeof unknown === 'boolean' ? unknown : single.classify?.(unknown, 'open'),
      );
    } finally {
      await pooler.stop();
    }
  });

  it('says what is wrong besides the password', async () => {
    const pooler = await startPgBouncer(server, ['auth_type = scram-sha-256', 'max_client_conn = 1']);
    const login = await role();
    const using = single.parse(secretOf(pooler, login));
    const session = await single.open(using, rotatorContext());
    const busy = await single.open(using, rotatorContext()).catch((error: unknown) => error);
    expect(single.classify?.(busy, 'open')).toBe('TargetBusy');
    await session?.close();
    await pooler.stop();
    const gone = await single.open(using, rotatorContext()).catch((error: unknown) => error);
    expect(single.classify?.(gone, 'open')).toBe('TargetUnreachable');
  });
});

if (pgbouncerMissing !== undefined) {
  it('behind a real PgBouncer', (context) => context.skip(pgbouncerMissing));
}
