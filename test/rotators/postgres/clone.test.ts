import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type PostgresSession, postgresAlternatingUsers } from '../../../rotators/postgres/index.ts';
import { quoteIdentifier as q } from '../../../rotators/postgres/quoting.ts';
import {
  randomPassword,
  rotatorContext,
  type TestLogin,
  uniqueName,
} from '../../support/postgres-fixtures.ts';
import {
  type PostgresServer,
  postgresVersion,
  startPostgres,
  versionsMissing,
  withClient,
} from '../../support/postgres-server.ts';

/**
 * 15.9 and 17.1 ignore a role as a setting; before 15.9 and 17.1 a pooler's DISCARD ALL takes it off; 16 has
 * memberships with options.
 */
const versions = ['14.11', '15.8', '15.9', '16.4', '16.14', '17.1', '17.10', undefined];
const ignoring = ['15.9', '17.1'];

describe.each(versions)('a clone and its original, PostgreSQL %s', (version) => {
  const binaries = version === undefined ? undefined : postgresVersion(version);
  const missing = version !== undefined && binaries === undefined;
  if (missing) it('needs programs of this version', (context) => context.skip(versionsMissing));
  describe.skipIf(missing)('at a real server', () => {
    let server: PostgresServer;
    beforeAll(async () => {
      server = await startPostgres({ binaries });
    });
    afterAll(() => server.stop());
    const rotator = () => postgresAlternatingUsers({ ca: () => server.ca });
    const secretOf = (login: TestLogin, dbname = 'postgres') => ({
      engine: 'postgres',
      host: server.host,
      port: server.port,
      dbname,
      ...login,
    });
    const as = (login: TestLogin, statement: string, database = 'postgres'): Promise<object[]> =>
      withClient(
        { ...server, user: login.username, password: login.password, database },
        async (client) => (await client.query<object>(statement)).rows,
      );
    const sql = (statement: string, database?: string) =>
      server.asAdmin((client) => client.query<Record<string, unknown>>(statement), database);

    /** An admin as RDS has it: no superuser, and the creator of the application's roles. */
    async function lesserAdmin(): Promise<TestLogin> {
      const admin = { username: uniqueName('admin'), password: randomPassword() };
      await sql(`CREATE ROLE ${q(admin.username)} LOGIN CREATEROLE PASSWORD '${admin.password}'`);
      await sql(`GRANT CREATE ON DATABASE postgres TO ${q(admin.username)}`);
      return admin;
    }
    /** A pair as AWS's template makes it, by its admin; the clone has made a table in a schema of the original. */
    async function templatePair(
      admin: TestLogin,
    ): Promise<{ original: TestLogin; clone: TestLogin; area: string }> {
      const name = uniqueName('app');
      const original = { username: name, password: randomPassword() };
      const clone = { username: `${name}_clone`, password: randomPassword() };
      const area = uniqueName('area');
      await as(admin, `CREATE ROLE ${q(name)} LOGIN PASSWORD '${original.password}'`);
      await as(admin, `CREATE ROLE ${q(clone.username)} LOGIN PASSWORD '${clone.password}'`);
      await as(admin, `GRANT ${q(name)} TO ${q(clone.username)}`);
      await sql(`CREATE SCHEMA ${q(area)} AUTHORIZATION ${q(name)}`);
      await as(clone, `CREATE TABLE ${q(area)}.made_by_clone (id int)`);
      await as(clone, `CREATE FUNCTION ${q(area)}.one() RETURNS int LANGUAGE sql AS 'SELECT 1'`);
      return { original, clone, area };
    }

    /**
     * One rotation as core makes it, without the labels.
     *
     * @param previous what AWSPREVIOUS holds, which proves an account that may do more
     */
    async function rotate(
      current: TestLogin,
      admin: TestLogin,
      context = rotatorContext(),
      previous?: TestLogin,
    ): Promise<TestLogin> {
      const by = rotator();
      const before = by.parse(secretOf(current));
      const using = by.parse(secretOf(admin));
      const pending = by.parse(secretOf({ username: before.pair.alternate, password: randomPassword() }));
      const opened = async (credential: typeof before): Promise<PostgresSession> => {
        const session = await by.open(credential, context);
        if (session === undefined) throw new Error(`${credential.username} was refused.`);
        return session;
      };
      const proven = await opened(before);
      await proven.close();
      const session = await opened(using);
      try {
        const excess = await by.excessRights?.(session, pending, before, context);
        if (previous === undefined) expect(excess).toEqual([]);
        else await (await opened(by.parse(secretOf(previous)))).close();
        await by.change(session, pending, { ...context, using, current: before });
      } finally {
        await session.close();
      }
      const proof = await opened(pending);
      try {
        await by.verify?.(proof, pending, { ...context, current: before });
      } finally {
        await proof.close();
      }
      return { username: pending.username, password: pending.password };
    }

    async function memberships(admin: TestLogin): Promise<unknown> {
      const { rows } = await sql(
        `SELECT pg_get_userbyid(roleid) AS role, pg_get_userbyid(grantor) AS grantor, admin_option, to_jsonb(m) - 'oid' AS all
           FROM pg_auth_members m WHERE pg_get_userbyid(member) = '${admin.username}' ORDER BY 1, 2`,
      );
      return rows;
    }

    it.each(['forth', 'back'])(
      'hands over what the template’s clone had made, on the way %s, by an admin of RDS',
      async (way) => {
        const admin = await lesserAdmin();
        const { original, clone, area } = await templatePair(admin);
        const before = await memberships(admin);
        const other = way === 'forth' ? original : clone;
        const previous = way === 'forth' ? clone : original;
        const next = await rotate(other, admin, rotatorContext(), previous);
        expect(next.username).toBe(previous.username);
        for (const login of [next, other]) {
          await as(login, `INSERT INTO ${q(area)}.made_by_clone VALUES (1)`);
          await as(login, `ALTER TABLE ${q(area)}.made_by_clone ADD COLUMN ${q(uniqueName('c'))} int`);
          expect(await as(login, `SELECT ${q(area)}.one()`)).toEqual([{ one: 1 }]);
        }
        // The admin keeps nothing of what it needed for that.
        expect(await memberships(admin)).toEqual(before);
        const again = await rotate(next, admin);
        expect((await rotate(again, admin)).username).toBe(next.username);
        await as(again, `DROP TABLE ${q(area)}.made_by_clone`);
      },
    );

    it('hands over in every database, or promotes nobody', async () => {
      const { original, clone } = await templatePair(server.admin);
      const elsewhere = uniqueName('elsewhere');
      await sql(`CREATE DATABASE ${q(elsewhere)}`);
      await sql(`CREATE SCHEMA theirs AUTHORIZATION ${q(clone.username)}`, elsewhere);
      await as(clone, 'CREATE TABLE theirs.t (id int)', elsewhere);
      const context = rotatorContext();
      const next = await rotate(original, server.admin, context, clone);
      expect(context.notes.join()).toContain(
        `in the database ${elsewhere} now belong to ${original.username}`,
      );
      for (const login of [next, original])
        expect(await as(login, 'SELECT * FROM theirs.t', elsewhere)).toEqual([]);
    });

    it('promotes nobody where the admin may not hand over, and has changed nothing', async () => {
      const { original, clone } = await templatePair(server.admin);
      const stranger = await lesserAdmin();
      // Before Postgres 16 such an admin may take part in any role.
      await sql(`ALTER ROLE ${q(stranger.username)} NOCREATEROLE`);
      const error = await rotate(original, stranger, rotatorContext(), clone).catch(
        (thrown: unknown) => thrown,
      );
      expect(rotator().classify?.(error, 'change') ?? Reflect.get(Object(error), 'code')).toBe(
        'PermissionDenied',
      );
      for (const login of [original, clone]) expect(await as(login, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    });

    it('have the same rights after DISCARD ALL too, as a session pooler sends it', async () => {
      const original = { username: uniqueName('app'), password: randomPassword() };
      const area = uniqueName('area');
      await sql(
        `CREATE ROLE ${q(original.username)} LOGIN CREATEDB BYPASSRLS REPLICATION PASSWORD '${original.password}'`,
      );
      await sql(`CREATE SCHEMA ${q(area)} AUTHORIZATION ${q(original.username)}`);
      const clone = await rotate(original, server.admin);
      const made = await withClient(
        { ...server, user: clone.username, password: clone.password },
        async (client) => {
          await client.query('DISCARD ALL');
          await client.query(`CREATE TABLE ${q(area)}.late (id int)`);
          const { rows } = await client.query(
            'SELECT rolcreatedb, rolbypassrls, rolreplication FROM pg_roles WHERE rolname = current_user',
          );
          return rows[0];
        },
      );
      expect(made).toEqual({ rolcreatedb: true, rolbypassrls: true, rolreplication: true });
      const back = await rotate(clone, server.admin);
      await as(back, `ALTER TABLE ${q(area)}.late ADD COLUMN c int`);
      if (version === undefined || !ignoring.includes(version)) {
        expect(await as(clone, 'SELECT current_user AS acting')).toEqual([{ acting: original.username }]);
      }
    });

    it('have the same settings: what is set, what is reset, each by itself', async () => {
      const admin = await lesserAdmin();
      const name = uniqueName('app');
      const original = { username: name, password: randomPassword() };
      await as(admin, `CREATE ROLE ${q(name)} LOGIN PASSWORD '${original.password}'`);
      await as(admin, `ALTER ROLE ${q(name)} SET search_path = "A", b`);
      await as(admin, `ALTER ROLE ${q(name)} SET work_mem = '5MB'`);
      await sql(`ALTER ROLE ${q(name)} SET log_statement = 'all'`);
      const context = rotatorContext();
      let clone = await rotate(original, admin, context);
      expect(context.notes).toContainEqual(
        expect.stringMatching(/could not give .* these settings .*: log_statement\./),
      );
      expect(await as(clone, 'SHOW search_path')).toEqual([{ search_path: '"A", b' }]);
      await as(admin, `ALTER ROLE ${q(name)} RESET work_mem`);
      await as(admin, `ALTER ROLE ${q(name)} SET statement_timeout = '9s'`);
      const back = await rotate(clone, admin);
      clone = await rotate(back, admin);
      expect(
        await as(
          clone,
          `SELECT current_setting('work_mem') AS mem, current_setting('statement_timeout') AS time`,
        ),
      ).toEqual([{ mem: '4MB', time: '9s' }]);
      // Policies of row security read parameters of one's own; without it the clone would see other rows.
      await sql(`ALTER ROLE ${q(name)} SET shop.tenant = 'a secret of its own'`);
      const last = await rotate(clone, admin);
      const error = await rotate(last, admin).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({
        code: 'PrivilegesMissing',
        message: expect.stringMatching(/: shop\.tenant\./),
      });
      expect(String(error)).not.toContain('a secret of its own');
      expect(await as(last, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    });

    it('act as what the original acts as', async () => {
      const original = { username: uniqueName('app'), password: randomPassword() };
      const group = uniqueName('group');
      await sql(`CREATE ROLE ${q(original.username)} LOGIN PASSWORD '${original.password}'`);
      await sql(`CREATE ROLE ${q(group)} ROLE ${q(original.username)}`);
      await sql(`ALTER ROLE ${q(original.username)} SET role = ${q(group)}`);
      const clone = await rotate(original, server.admin);
      if (version !== undefined && ignoring.includes(version)) return;
      expect(await as(clone, 'SELECT current_user AS acting')).toEqual([{ acting: group }]);
    });

    it('are strangers if only the name makes one a clone of the other', async () => {
      const original = { username: uniqueName('x'), password: randomPassword() };
      const other = { username: `${original.username}_clone`, password: randomPassword() };
      const area = uniqueName('area');
      for (const { username, password } of [original, other])
        await sql(`CREATE ROLE ${q(username)} LOGIN PASSWORD '${password}'`);
      await sql(`CREATE SCHEMA ${q(area)} AUTHORIZATION ${q(other.username)}`);
      await expect(rotate(other, server.admin)).rejects.toThrow(/ownership of schema area/);
      const { rows } = await sql(
        `SELECT pg_has_role('${other.username}', '${original.username}', 'MEMBER') AS member, nspowner::regrole::text AS owner
           FROM pg_namespace WHERE nspname = '${area}'`,
      );
      expect(rows).toEqual([{ member: false, owner: q(other.username) }]);
    });
  });
});
