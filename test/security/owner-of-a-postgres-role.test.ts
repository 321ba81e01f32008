import { describe, expect, it } from 'vitest';
import { postgresAlternatingUsers } from '../../rotators/postgres/index.ts';
import { quoteIdentifier } from '../../rotators/postgres/quoting.ts';
import {
  adminSecret,
  asAdmin,
  createLogin,
  randomPassword,
  rotatorContext,
  secretOf,
  sharedOptions,
  type TestLogin,
  uniqueName,
  withLogin,
} from '../support/postgres-fixtures.ts';

const rotator = postgresAlternatingUsers(sharedOptions());

/** The part of a rotation that runs with the admin's rights. */
async function changeByAdmin(current: TestLogin, database: string): Promise<string> {
  const context = rotatorContext();
  const secret = { ...secretOf(current), dbname: database };
  const before = rotator.parse(secret);
  const pending = rotator.parse({
    ...secret,
    username: before.pair.alternate,
    password: randomPassword(),
  });
  const using = rotator.parse({ ...adminSecret(), dbname: database });
  const session = await rotator.open(using, context);
  if (session === undefined) throw new Error('The admin was refused.');
  try {
    await rotator.excessRights?.(session, pending, before, context);
    await rotator.change(session, pending, { ...context, using, current: before });
  } finally {
    await session.close();
  }
  return pending.username;
}

async function attributesOf(username: string): Promise<unknown> {
  const found = await asAdmin((client) =>
    client.query('SELECT rolsuper, rolcreaterole FROM pg_roles WHERE rolname = $1', [username]),
  );
  return found.rows[0];
}

/** A database that a lesser role owns, as in many companies. */
async function ownDatabase(owner: TestLogin): Promise<string> {
  const name = uniqueName('theirs');
  await asAdmin((client) =>
    client.query(`CREATE DATABASE ${quoteIdentifier(name)} OWNER ${quoteIdentifier(owner.username)}`),
  );
  return name;
}

/** Functions and operators that make the attacker a superuser if somebody with that right runs them by accident. */
const traps = (role: string): string[] => {
  const body = `BEGIN EXECUTE 'ALTER ROLE ${quoteIdentifier(role).replaceAll("'", "''")} SUPERUSER CREATEROLE'; EXCEPTION WHEN insufficient_privilege THEN NULL; END`;
  const trap = (signature: string, result: string, value: string): string =>
    `CREATE FUNCTION evil.${signature} RETURNS ${result} LANGUAGE plpgsql AS $trap$ BEGIN ${body}; RETURN ${value}; END $trap$`;
  const operand = ['name', 'text', 'oid', 'integer', 'bigint', '"char"', 'boolean'];
  return [
    'CREATE SCHEMA evil',
    trap('set_config(text, text, boolean)', 'text', '$2'),
    trap('current_setting(text)', 'text', "'0'"),
    trap('current_setting(text, boolean)', 'text', "'0'"),
    trap('current_database()', 'name', "'postgres'"),
    trap('pg_is_in_recovery()', 'boolean', 'false'),
    trap('pg_has_role(oid, oid, text)', 'boolean', 'true'),
    trap('pg_has_role(name, oid, text)', 'boolean', 'true'),
    trap('pg_describe_object(oid, oid, integer)', 'text', "'x'"),
    trap('unnest(text[])', 'text', "'x'"),
    trap('aclexplode(aclitem[])', 'text', "'x'"),
    // A function in the target list of a view would run too.
    trap('caught()', 'boolean', 'true'),
    ...['pg_roles', 'pg_database', 'pg_db_role_setting', 'pg_shdepend', 'pg_class', 'pg_auth_members'].map(
      (table) => `CREATE VIEW evil.${table} AS SELECT * FROM pg_catalog.${table} WHERE evil.caught()`,
    ),
    ...operand.flatMap((left) =>
      operand.flatMap((right) =>
        ['=', '<>'].flatMap((operator, index) => {
          const name = `op${index}(${left}, ${right})`;
          return [
            trap(name, 'boolean', 'true'),
            `CREATE OPERATOR evil.${operator} (LEFTARG = ${left}, RIGHTARG = ${right}, FUNCTION = evil.op${index})`,
          ];
        }),
      ),
    ),
    trap('joined(text, text)', 'text', "'x'"),
    'CREATE OPERATOR evil.|| (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.joined)',
    'GRANT USAGE ON SCHEMA evil TO PUBLIC',
  ];
};

describe('the owner of a role or of a database at a Postgres server', () => {
  it('has none of its functions called in the admin’s session by what the role’s settings hold', async () => {
    const attacker = await createLogin('attacker');
    const database = await ownDatabase(attacker);
    await withLogin(attacker, database, async (client) => {
      for (const statement of traps(attacker.username)) await client.query(statement);
      await client.query('ALTER ROLE CURRENT_USER SET search_path = evil, pg_catalog');
      await client.query("ALTER ROLE CURRENT_USER SET work_mem = '5MB'");
      await client.query("ALTER ROLE CURRENT_USER SET application_name = 'a second setting'");
    });
    await changeByAdmin(attacker, database);
    expect(await attributesOf(attacker.username)).toEqual({ rolsuper: false, rolcreaterole: false });
  });

  it('has none of its functions called by what the database’s settings lay on the admin’s session', async () => {
    const attacker = await createLogin('attacker');
    const database = await ownDatabase(attacker);
    await withLogin(attacker, database, async (client) => {
      for (const statement of traps(attacker.username)) await client.query(statement);
      await client.query(`ALTER DATABASE ${quoteIdentifier(database)} SET search_path = evil, pg_catalog`);
    });
    await changeByAdmin(attacker, database);
    await changeByAdmin(attacker, database);
    expect(await attributesOf(attacker.username)).toEqual({ rolsuper: false, rolcreaterole: false });
  });

  it.each([
    ['role', (name: string) => `SET role = ${name}`],
    ['session_authorization', (name: string) => `SET session_authorization = ${name}`],
    ['default_transaction_read_only', () => 'SET default_transaction_read_only = on'],
    ['standard_conforming_strings', () => 'SET standard_conforming_strings = off'],
    ['quote_all_identifiers', () => 'SET quote_all_identifiers = on'],
    ['client_encoding', () => "SET client_encoding = 'SJIS'"],
    ['default_transaction_isolation', () => "SET default_transaction_isolation = 'serializable'"],
    ['password_encryption', () => "SET password_encryption = 'md5'"],
  ])('can’t stop or bend a rotation by the database’s setting %s', async (_, setting) => {
    const attacker = await createLogin("it's the \\ owner");
    const database = await ownDatabase(attacker);
    const name = quoteIdentifier(attacker.username);
    await asAdmin((client) => client.query(`ALTER DATABASE ${quoteIdentifier(database)} ${setting(name)}`));
    const clone = await changeByAdmin(attacker, database);
    const found = await asAdmin((client) =>
      client.query(
        `SELECT rolpassword LIKE 'SCRAM-SHA-256$%' AS scram, pg_has_role($1, $2, 'MEMBER') AS member
           FROM pg_authid WHERE rolname = $1`,
        [clone, attacker.username],
      ),
    );
    expect(found.rows).toEqual([{ scram: true, member: true }]);
  });
});
