import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { postgres, postgresAlternatingUsers } from '../../../rotators/postgres/index.ts';
import { quoteIdentifier as q } from '../../../rotators/postgres/quoting.ts';
import type { Finding, SecretFields } from '../../../src/index.ts';
import {
  randomPassword,
  rotatorContext,
  type TestLogin,
  uniqueName,
} from '../../support/postgres-fixtures.ts';
import { type PostgresServer, startPostgres } from '../../support/postgres-server.ts';

describe('a preflight at Postgres', () => {
  let server: PostgresServer;
  const named = uniqueName('known');
  const trusted = uniqueName('trusted');
  beforeAll(async () => {
    server = await startPostgres({
      hba: [
        `host all "${trusted}_clone" all trust`,
        'host known admin all scram-sha-256',
        `host known "${named}" all scram-sha-256`,
        'host known +group all scram-sha-256',
        'host known all all reject',
        'host all all all scram-sha-256',
      ],
    });
    await sql('CREATE DATABASE known');
    await sql('CREATE ROLE "group"');
  });
  afterAll(() => server.stop());

  const sql = (statement: string) => server.asAdmin((client) => client.query(statement));
  const secretOf = (login: TestLogin, dbname = 'postgres'): SecretFields => ({
    engine: 'postgres',
    host: server.host,
    port: server.port,
    dbname,
    ...login,
  });
  async function role(username = uniqueName('app'), options = ''): Promise<TestLogin> {
    const password = randomPassword();
    await sql(`CREATE ROLE ${q(username)} LOGIN ${options} PASSWORD '${password}'`);
    return { username, password };
  }

  async function preflight(secret: SecretFields, admin?: TestLogin): Promise<readonly Finding[]> {
    const rotator = postgresAlternatingUsers({ ca: () => server.ca });
    return look(rotator, secret, admin);
  }
  async function look(
    rotator: ReturnType<typeof postgresAlternatingUsers> | ReturnType<typeof postgres>,
    secret: SecretFields,
    admin?: TestLogin,
  ): Promise<readonly Finding[]> {
    const context = rotatorContext();
    const by = postgresAlternatingUsers({ ca: () => server.ca });
    const credential = by.parse(secret);
    const dbname = String(secret.dbname);
    const session = await rotator.open(credential, context);
    const adminSession = admin && (await rotator.open(by.parse(secretOf(admin, dbname)), context));
    if (session === undefined) throw new Error('The login was refused.');
    const findings = await rotator.preflight?.(session, credential, adminSession, context);
    await Promise.all([session.close(), adminSession?.close()]);
    return findings ?? [];
  }
  const wrong = (findings: readonly Finding[]) =>
    findings.filter(({ ok }) => !ok).map(({ check, detail }) => `${check}: ${detail}`);

  it('finds nothing wrong with a pair, and says how the next password is stored', async () => {
    const findings = await preflight(secretOf(await role()), server.admin);
    expect(wrong(findings)).toEqual([]);
    expect(findings).toContainEqual({
      check: 'password storage',
      ok: true,
      detail: 'the next password is stored as a SCRAM verifier of 4096 iterations',
    });
  });

  it('sees that pg_hba.conf has no entry for the clone, with no refused login', async () => {
    const login = await role(named);
    const findings = await preflight(secretOf(login, 'known'), server.admin);
    expect(wrong(findings)).toEqual([
      expect.stringMatching(/^second login: the server would not let known .*_clone in: pg_hba.conf rejects/),
    ]);
  });

  it('can’t tell of a clone that is still to be made where entries are for groups', async () => {
    const login = await role(uniqueName('app'), 'IN ROLE "group"');
    const findings = await preflight(secretOf(login, 'known'), server.admin);
    expect(wrong(findings)).toEqual([]);
    expect(findings.at(-1)?.detail).toMatch(/unless as a member of the same groups/);
  });

  it('sees that a clone would be let in without a password', async () => {
    const login = await role(trusted);
    await role(`${trusted}_clone`);
    const findings = await preflight(secretOf(login), server.admin);
    expect(wrong(findings)).toEqual([
      expect.stringMatching(/^second login: .* would be let in without a password/),
    ]);
  });

  it('sees a clone without its original, and a pair of which one is missing', async () => {
    const clone = await role(`${uniqueName('lonely')}_clone`);
    expect(wrong(await preflight(secretOf(clone), server.admin))).toEqual([
      expect.stringMatching(
        /^second user: lonely .* does not exist, and by its name the secret's user is a clone of it/,
      ),
    ]);
    const secret = { ...secretOf(clone), alternatingusers: [clone.username, 'nobody by this name'] };
    expect(wrong(await preflight(secret, server.admin))).toEqual([
      'second user: nobody by this name does not exist: create it, with the same rights',
    ]);
  });

  it('sees a date that has passed, and an admin that may not change the account', async () => {
    const original = await role();
    const clone = await role(`${original.username}_clone`, "VALID UNTIL '2020-01-01'");
    const admin = await role(uniqueName('admin'));
    expect(wrong(await preflight(secretOf(original), admin))).toEqual([
      `admin rights: needs CREATEROLE, and the ADMIN option on ${original.username}`,
      `admin rights: needs CREATEROLE, and the ADMIN option on ${clone.username}`,
      expect.stringMatching(/^validity: passwords of .*_clone were valid until 2020-01-01T00:00:00/),
    ]);
    const single = postgres({ ca: () => server.ca });
    const later = await role(uniqueName('later'), "VALID UNTIL '2999-01-01'");
    const findings = await look(single, secretOf(later));
    expect(findings.find(({ check }) => check === 'validity')).toMatchObject({
      ok: true,
      detail: expect.stringMatching(/are valid until 2999-01-01.*does not change that/),
    });
  });

  it('sees REPLICATION and settings that the admin can’t give to the clone', async () => {
    const admin = await role(uniqueName('admin'), 'CREATEROLE');
    const original = await role(uniqueName('app'), 'REPLICATION');
    const name = q(original.username);
    await sql(`GRANT ${name} TO ${q(admin.username)} WITH ADMIN OPTION`);
    await sql(`ALTER ROLE ${name} SET shop.tenant = 'one'`);
    await sql(`ALTER ROLE ${name} SET log_statement = 'all'`);
    await sql(`ALTER ROLE ${name} SET search_path = a`);
    expect(wrong(await preflight(secretOf(original), admin))).toEqual([
      `clone: the admin can't give ${original.username}_clone what ${original.username} has: REPLICATION, the setting shop.tenant; let a superuser do it once`,
    ]);
    expect(wrong(await preflight(secretOf(original), server.admin))).toEqual([]);
  });

  it('is silent on a role as a setting, and on a parameter that the admin was granted', async () => {
    const admin = await role(uniqueName('admin'), 'CREATEROLE');
    const [login, group] = [await role(), uniqueName('group')];
    await sql(`GRANT ${q(login.username)} TO ${q(admin.username)} WITH ADMIN OPTION`);
    await sql(`CREATE ROLE ${q(group)}`);
    await sql(`GRANT ${q(group)} TO ${q(login.username)}`);
    await sql(`ALTER ROLE ${q(login.username)} SET role = ${q(group)}`);
    await sql(`ALTER ROLE ${q(login.username)} SET session_preload_libraries = 'auto_explain'`);
    expect(wrong(await preflight(secretOf(login), admin)).join()).toMatch(
      /has: the setting session_preload_libraries; let/,
    );
    await sql(`GRANT SET ON PARAMETER session_preload_libraries TO ${q(admin.username)}`);
    expect(wrong(await preflight(secretOf(login), admin))).toEqual([]);
  });

  it('sees a clone that the original is a member of', async () => {
    const login = await role();
    await sql(`CREATE ROLE ${q(`${login.username}_clone`)} LOGIN`);
    await sql(`GRANT ${q(`${login.username}_clone`)} TO ${q(login.username)}`);
    expect(wrong(await preflight(secretOf(login), server.admin)).join()).toContain(
      `clone: ${login.username} is a member of ${login.username}_clone`,
    );
  });

  it('sees that password commands are restricted, of the account and of the admin', async () => {
    const restricted = 'rds.restrict_password_commands';
    const login = await role();
    // A parameter of RDS. A plain server takes it as a parameter of an extension.
    await sql(`ALTER DATABASE postgres SET ${restricted} = on`);
    try {
      const single = postgres({ ca: () => server.ca });
      expect(wrong(await look(single, secretOf(login), server.admin))).toEqual([
        `password: ${restricted} is on: grant rds_password to ${login.username}; an admin secret does not replace that`,
      ]);
      expect(wrong(await preflight(secretOf(login), server.admin))).toEqual([
        `password: ${restricted} is on: grant rds_password to the admin`,
      ]);
    } finally {
      await sql(`ALTER DATABASE postgres RESET ${restricted}`);
    }
  });

  it('a rotation to an account whose date has passed says so, and changes nothing', async () => {
    const original = await role(uniqueName('app'), "VALID UNTIL '2020-01-01'");
    const clone = await role(`${original.username}_clone`);
    await sql(`GRANT ${q(original.username)} TO ${q(clone.username)}`);
    const rotator = postgresAlternatingUsers({ ca: () => server.ca });
    const context = rotatorContext();
    const current = rotator.parse(secretOf(clone));
    const using = rotator.parse(secretOf(server.admin));
    const session = await rotator.open(using, context);
    if (session === undefined) throw new Error('The admin was refused.');
    const pending = rotator.parse(secretOf({ ...original, password: randomPassword() }));
    await expect(rotator.change(session, pending, { ...context, using, current })).rejects.toMatchObject({
      code: 'PermissionDenied',
      message: expect.stringMatching(/^Nothing was changed: passwords of app .* were valid until 2020/),
    });
    await session.close();
  });
});
