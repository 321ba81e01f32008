import { describe, expect, it } from 'vitest';
import { postgresAlternatingUsers } from '../../../rotators/postgres/index.ts';
import { quoteIdentifier } from '../../../rotators/postgres/quoting.ts';
import type { SecretFields } from '../../../src/index.ts';
import {
  adminSecret,
  asAdmin,
  canLogIn,
  createLogin,
  hostileTexts,
  randomPassword,
  rotatorContext,
  secretOf,
  sharedOptions,
  type TestLogin,
  uniqueName,
  withLogin,
} from '../../support/postgres-fixtures.ts';

const rotator = postgresAlternatingUsers(sharedOptions());

/** Changes and verifies the next login by the admin, as in one rotation. @returns that login */
async function rotate(current: SecretFields, admin: SecretFields = adminSecret()): Promise<TestLogin> {
  const context = rotatorContext();
  const before = rotator.parse(current);
  const generated = await rotator.generate(before, { ...context, password: randomPassword });
  const pending = rotator.parse({ ...current, ...generated });
  expect(rotator.target(pending)).toEqual(rotator.target(before));
  const using = rotator.parse({ ...admin, dbname: current.dbname });
  const session = await rotator.open(using, context);
  if (session === undefined) throw new Error('The admin was refused.');
  try {
    await rotator.change(session, pending, { ...context, using, current: before });
  } finally {
    await session.close();
  }
  const proof = await rotator.open(pending, context);
  if (proof === undefined) throw new Error('The pending login was refused.');
  try {
    await rotator.verify?.(proof, pending, { ...context, current: before });
  } finally {
    await proof.close();
  }
  return { username: pending.username, password: pending.password };
}

/** What a login sees and does by itself, as an application. */
function queryAs(login: TestLogin, statement: string): Promise<object[]> {
  return withLogin(login, 'postgres', async (client) => (await client.query<object>(statement)).rows);
}

describe('postgres, alternating users', () => {
  it('makes a clone, goes back to the original, and always leaves the other working', async () => {
    const original = await createLogin();
    const clone = await rotate(secretOf(original));
    expect(clone.username).toBe(`${original.username}_clone`);
    expect([await canLogIn(original), await canLogIn(clone)]).toEqual([true, true]);
    const again = await rotate(secretOf(clone));
    expect(again.username).toBe(original.username);
    expect([await canLogIn(original), await canLogIn(clone), await canLogIn(again)]).toEqual([
      false,
      true,
      true,
    ]);
  });

  it('sees that a clone may not replicate as the original may, where the admin can’t let it', async () => {
    const admin = await createLogin('admin');
    await asAdmin((client) => client.query(`ALTER ROLE ${quoteIdentifier(admin.username)} CREATEROLE`));
    const original = { username: uniqueName('replica'), password: randomPassword() };
    const name = quoteIdentifier(original.username);
    await queryAs(admin, `CREATE ROLE ${name} LOGIN PASSWORD '${original.password}'`);
    await asAdmin((client) => client.query(`ALTER ROLE ${name} REPLICATION`));
    await expect(rotate(secretOf(original), secretOf(admin))).rejects.toThrow(/attribute REPLICATION/);
    expect((await rotate(secretOf(original))).username).toBe(`${original.username}_clone`);
  });

  it.each(hostileTexts)('takes %j for a name', async (text) => {
    const original = await createLogin(text.slice(0, 24));
    const clone = await rotate(secretOf(original));
    expect(await queryAs(clone, 'SELECT current_user AS acting')).toEqual([{ acting: original.username }]);
  });

  it('has the clone act as the original: objects, later grants and settings are shared', async () => {
    const original = await createLogin();
    const schema = quoteIdentifier(uniqueName('area'));
    const role = quoteIdentifier(original.username);
    await asAdmin(async (client) => {
      await client.query(`CREATE SCHEMA ${schema} AUTHORIZATION ${role}`);
      await client.query(`ALTER ROLE ${role} SET search_path = ${schema}, pg_catalog`);
      await client.query(`ALTER ROLE ${role} IN DATABASE postgres SET statement_timeout = '77s'`);
      await client.query(`ALTER ROLE ${role} CONNECTION LIMIT 7`);
    });
    const clone = await rotate(secretOf(original));
    await queryAs(clone, 'CREATE TABLE made_by_clone (id int)');
    expect(
      await queryAs(
        original,
        "SELECT tableowner FROM pg_tables WHERE tablename = 'made_by_clone' AND schemaname = current_schema()",
      ),
    ).toEqual([{ tableowner: original.username }]);
    await queryAs(original, 'DROP TABLE made_by_clone');
    expect(await queryAs(clone, 'SHOW statement_timeout')).toEqual([{ statement_timeout: '77s' }]);
    expect(await queryAs(clone, `SELECT rolconnlimit FROM pg_roles WHERE rolname = session_user`)).toEqual([
      { rolconnlimit: 7 },
    ]);
  });

  it("mends a clone made by AWS's template, and hands over what it had created", async () => {
    const original = await createLogin();
    const clone = `${original.username}_clone`;
    const [schema, table] = [quoteIdentifier(uniqueName('legacy')), 'kept'];
    await asAdmin(async (client) => {
      await client.query(`CREATE ROLE ${quoteIdentifier(clone)} WITH LOGIN PASSWORD 'legacy-password-1'`);
      await client.query(`GRANT ${quoteIdentifier(original.username)} TO ${quoteIdentifier(clone)}`);
      await client.query(`CREATE SCHEMA ${schema} AUTHORIZATION ${quoteIdentifier(clone)}`);
    });
    await queryAs(
      { username: clone, password: 'legacy-password-1' },
      `CREATE TABLE ${schema}.${table} (id int)`,
    );
    await rotate(secretOf(original));
    expect(await queryAs(original, `SELECT * FROM ${schema}.${table}`)).toEqual([]);
  });

  it('works with an admin who is no superuser but has CREATEROLE', async () => {
    const admin = await createLogin('admin');
    await asAdmin((client) => client.query(`ALTER ROLE ${quoteIdentifier(admin.username)} CREATEROLE`));
    const username = uniqueName('made by admin');
    const password = randomPassword();
    await queryAs(admin, `CREATE ROLE ${quoteIdentifier(username)} WITH LOGIN PASSWORD '${password}'`);
    const clone = await rotate(secretOf({ username, password }), secretOf(admin));
    expect(await queryAs(clone, 'SELECT current_user AS acting')).toEqual([{ acting: username }]);
    expect((await rotate(secretOf(clone), secretOf(admin))).username).toBe(username);
  });

  it('refuses names that leave no room for the clone', () => {
    const long = secretOf({ username: 'x'.repeat(58), password: 'p' });
    expect(() => rotator.parse(long)).toThrow(/"username" is no name that can be followed by _clone/);
  });
});

describe('postgres, a named pair', () => {
  async function pair(): Promise<{ one: TestLogin; other: TestLogin; secret: SecretFields; table: string }> {
    const [one, other] = [await createLogin('one'), await createLogin('other')];
    const table = quoteIdentifier(uniqueName('orders'));
    await asAdmin(async (client) => {
      await client.query(`CREATE TABLE ${table} (id int, note text)`);
      await client.query(`GRANT SELECT, INSERT ON ${table} TO ${quoteIdentifier(one.username)}`);
    });
    return {
      one,
      other,
      table,
      secret: { ...secretOf(one), alternatingusers: [one.username, other.username] },
    };
  }
  const grant = (statement: string) => asAdmin((client) => client.query(statement));

  it('refuses the user that can do less, and names what it lacks', async () => {
    const { other, secret, table } = await pair();
    await expect(rotate(secret)).rejects.toMatchObject({ code: 'PrivilegesMissing' });
    await expect(rotate(secret)).rejects.toThrow(/INSERT on table .*orders.*; SELECT on table .*orders/);
    await grant(`GRANT SELECT, INSERT ON ${table} TO ${quoteIdentifier(other.username)}`);
    expect((await rotate(secret)).username).toBe(other.username);
  });

  it.each([
    [
      'a column',
      (table: string, role: string) => `GRANT UPDATE (note) ON ${table} TO ${role}`,
      /UPDATE on column note of table/,
    ],
    [
      'a grant option',
      (table: string, role: string) => `GRANT SELECT ON ${table} TO ${role} WITH GRANT OPTION`,
      /SELECT with grant option/,
    ],
    [
      'ownership',
      (table: string, role: string) => `ALTER TABLE ${table} OWNER TO ${role}`,
      /ownership of table/,
    ],
    ['an attribute', (_: string, role: string) => `ALTER ROLE ${role} CREATEDB`, /attribute CREATEDB/],
    ['a membership', (_: string, role: string) => `GRANT pg_monitor TO ${role}`, /membership in pg_monitor/],
    [
      'a policy',
      (table: string, role: string) => `CREATE POLICY p ON ${table} TO ${role} USING (true)`,
      /policy p on/,
    ],
  ])('sees %s that only one of them has', async (_, statement, message) => {
    const { one, other, secret, table } = await pair();
    await grant(`GRANT SELECT, INSERT ON ${table} TO ${quoteIdentifier(other.username)}`);
    await rotate(secret);
    await grant(statement(table, quoteIdentifier(one.username)));
    await expect(rotate(secret)).rejects.toThrow(message);
  });

  it('counts what both have through a role, and what everybody has', async () => {
    const { one, other, secret, table } = await pair();
    const shared = quoteIdentifier(uniqueName('shared'));
    await grant(`REVOKE ALL ON ${table} FROM ${quoteIdentifier(one.username)}`);
    await grant(`CREATE ROLE ${shared}`);
    await grant(`GRANT ALL ON ${table} TO ${shared}`);
    for (const { username } of [one, other]) await grant(`GRANT ${shared} TO ${quoteIdentifier(username)}`);
    await grant(`GRANT TRUNCATE ON ${table} TO ${quoteIdentifier(one.username)}`);
    await grant(`GRANT TRUNCATE ON ${table} TO PUBLIC`);
    expect((await rotate(secret)).username).toBe(other.username);
  });

  it('refuses a username outside the pair, and an account that does not exist', async () => {
    const { one, secret } = await pair();
    expect(() => rotator.parse({ ...secret, username: 'third' })).toThrow(/does not include the username/);
    const missing = { ...secret, alternatingusers: [one.username, 'no such user'] };
    const error = await rotate(missing).catch((thrown: unknown) => thrown);
    expect(rotator.classify?.(error, 'change')).toBe('AccountMissing');
  });
});
