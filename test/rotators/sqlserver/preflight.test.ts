import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sqlServer, sqlServerAlternatingUsers } from '../../../rotators/sqlserver/index.ts';
import { quoteIdentifier, quoteLiteral } from '../../../rotators/sqlserver/quoting.ts';
import type { Finding, SecretFields } from '../../../src/index.ts';
import { rotatorContext } from '../../support/postgres-fixtures.ts';
import { randomPassword, standInHarness, type TestLogin } from '../../support/tds/harness.ts';
import { changeSingle, rotateAlternating } from './rotate.ts';

/** For each check: only that check fails, and a rotation fails for the same reason. */
describe('the preflight of a SQL Server secret', () => {
  let harness: Awaited<ReturnType<typeof standInHarness>>;
  beforeAll(async () => {
    harness = await standInHarness();
  });
  afterAll(() => harness.stop());

  async function look(
    kind: 'single' | 'alternating',
    secret: SecretFields,
    admin: SecretFields | undefined = harness.adminSecret(),
  ): Promise<Finding[]> {
    const rotator =
      kind === 'single' ? sqlServer(harness.options) : sqlServerAlternatingUsers(harness.options);
    const context = rotatorContext();
    const credential = sqlServerAlternatingUsers().parse(secret);
    const open = (fields: SecretFields) => rotator.open(sqlServerAlternatingUsers().parse(fields), context);
    const session = await open(secret);
    const adminSession =
      admin === undefined
        ? undefined
        : await open({ ...admin, alternatingusers: undefined, dbname: secret.dbname });
    if (session === undefined || (admin !== undefined && adminSession === undefined))
      throw new Error('Refused.');
    const before = JSON.stringify([...harness.standIn.model.logins.keys()]);
    const findings = await rotator.preflight?.(session, credential, adminSession, context);
    await Promise.all([session.close(), adminSession?.close()]);
    expect(JSON.stringify([...harness.standIn.model.logins.keys()])).toBe(before);
    return findings ?? [];
  }

  const wrong = (findings: Finding[]) => findings.filter(({ ok }) => !ok);

  async function adminWith(...statements: string[]): Promise<SecretFields & TestLogin> {
    const admin = await harness.createLogin('admin');
    const name = quoteIdentifier(admin.username);
    await harness.asAdmin(statements.map((statement) => `${statement} ${name}`));
    await harness.asAdmin([`ALTER ROLE [db_owner] ADD MEMBER ${name}`], harness.database);
    return harness.secretOf(admin);
  }
  const ordinaryAdmin = () => adminWith('GRANT ALTER ANY LOGIN TO', 'GRANT VIEW ANY DEFINITION TO');

  async function pair(): Promise<{ secret: SecretFields & TestLogin; other: TestLogin }> {
    const [one, other] = [await harness.createLogin('one'), await harness.createLogin('other')];
    const secret = { ...harness.secretOf(one), alternatingusers: [one.username, other.username] };
    return { secret, other };
  }

  it('is in order for an admin with no more than is needed, and the rotations succeed', async () => {
    const admin = await ordinaryAdmin();
    const login = harness.secretOf(await harness.createLogin());
    const { secret } = await pair();
    expect(wrong(await look('single', login, admin))).toEqual([]);
    expect((await look('alternating', login, admin)).map(({ check }) => check)).toEqual([
      'encryption',
      'account',
      'clone',
    ]);
    expect(wrong(await look('alternating', login, admin))).toEqual([]);
    expect((await look('alternating', secret, admin)).map(({ check }) => check)).toEqual([
      'encryption',
      'account',
      'other user',
      'admin rights',
      'privileges',
    ]);
    expect(wrong(await look('alternating', secret, admin))).toEqual([]);
    for (const from of [login, secret]) await rotateAlternating(harness, from, { admin });
    await changeSingle(harness, login, randomPassword(), admin);
  });

  it('admin rights: an admin without ALTER ANY LOGIN', async () => {
    const { secret } = await pair();
    const admin = await adminWith('GRANT VIEW ANY DEFINITION TO');
    expect(wrong(await look('alternating', secret, admin))).toEqual([
      { check: 'admin rights', ok: false, detail: 'needs ALTER ANY LOGIN' },
    ]);
    await expect(rotateAlternating(harness, secret, { admin })).rejects.toThrow(/needs ALTER ANY LOGIN/);
  });

  it('admin rights: an admin without CONTROL SERVER, for a sysadmin', async () => {
    const { secret, other } = await pair();
    for (const { username } of [secret, other])
      await harness.asAdmin([`ALTER SERVER ROLE [sysadmin] ADD MEMBER ${quoteIdentifier(username)}`]);
    const admin = await ordinaryAdmin();
    const [found, ...more] = wrong(await look('alternating', secret, admin));
    expect([found?.check, more]).toEqual(['admin rights', []]);
    expect(found?.detail).toMatch(/^needs CONTROL SERVER, because other .* is a sysadmin$/);
    await expect(rotateAlternating(harness, secret, { admin })).rejects.toThrow(found?.detail);
  });

  it('other user: one that is not there', async () => {
    const one = await harness.createLogin('one');
    const missing = harness.uniqueName('missing');
    const secret = { ...harness.secretOf(one), alternatingusers: [one.username, missing] };
    const [found, ...more] = wrong(await look('alternating', secret));
    expect([found?.check, more]).toEqual(['other user', []]);
    await expect(rotateAlternating(harness, secret)).rejects.toThrow(found?.detail);
  });

  it('privileges: another user with less', async () => {
    const { secret } = await pair();
    await harness.asAdmin(
      [`GRANT SELECT ON SCHEMA::[dbo] TO ${quoteIdentifier(secret.username)}`],
      harness.database,
    );
    const [found, ...more] = wrong(await look('alternating', secret));
    expect([found?.check, more]).toEqual(['privileges', []]);
    await expect(rotateAlternating(harness, secret)).rejects.toThrow(found?.detail);
  });

  it('clone: a role of the server that the admin can not give', async () => {
    const login = harness.secretOf(await harness.createLogin());
    await harness.asAdmin([`ALTER SERVER ROLE [processadmin] ADD MEMBER ${quoteIdentifier(login.username)}`]);
    const admin = await ordinaryAdmin();
    expect(wrong(await look('alternating', login, admin))).toEqual([
      { check: 'clone', ok: false, detail: 'needs sysadmin (for ALTER SERVER ROLE [processadmin])' },
    ]);
    await expect(rotateAlternating(harness, login, { admin })).rejects.toThrow(/server role 'processadmin'/);
  });

  it('clone: a right on the server that the admin can not give', async () => {
    const login = harness.secretOf(await harness.createLogin());
    await harness.asAdmin([`GRANT VIEW SERVER STATE TO ${quoteIdentifier(login.username)}`]);
    const admin = await ordinaryAdmin();
    expect(wrong(await look('alternating', login, admin))).toEqual([
      { check: 'clone', ok: false, detail: 'needs CONTROL SERVER (for GRANT VIEW SERVER STATE)' },
    ]);
    await expect(rotateAlternating(harness, login, { admin })).rejects.toMatchObject({ number: 15247 });
  });

  it('clone: a database that the server trusts, and one where the admin can not act as dbo', async () => {
    const login = harness.secretOf(await harness.createLogin());
    const name = quoteIdentifier(login.username);
    const database = harness.uniqueName('trusted');
    await harness.asAdmin([`CREATE DATABASE ${quoteIdentifier(database)}`]);
    await harness.asAdmin([`CREATE USER ${name} FOR LOGIN ${name}`], database);
    const expectSame = async (text: RegExp) => {
      const [found, ...more] = wrong(await look('alternating', login));
      expect([found?.check, more]).toEqual(['clone', []]);
      expect(found?.detail).toMatch(text);
      await expect(rotateAlternating(harness, login)).rejects.toThrow(found?.detail);
    };
    await harness.asAdmin([`ALTER DATABASE ${quoteIdentifier(database)} SET TRUSTWORTHY ON`]);
    await expectSame(/is TRUSTWORTHY/);
    await harness.asAdmin([
      `ALTER DATABASE ${quoteIdentifier(database)} SET TRUSTWORTHY OFF`,
      `ALTER AUTHORIZATION ON DATABASE::${quoteIdentifier(database)} TO [gone]`,
    ]);
    await expectSame(/can't act as dbo/);
  });

  it('database: one that takes no changes, for a user whose password it keeps', async () => {
    const made = await harness.contained();
    if ('missing' in made) throw new Error(made.missing);
    const app = { username: harness.uniqueName('contained'), password: randomPassword() };
    await harness.asAdmin(
      [`CREATE USER ${quoteIdentifier(app.username)} WITH PASSWORD = ${quoteLiteral(app.password)}`],
      made.database,
    );
    const secret = harness.secretOf(app, made.database);
    const name = quoteIdentifier(made.database);
    await harness.asAdmin([`ALTER DATABASE ${name} SET READ_ONLY`]);
    expect(wrong(await look('single', secret)).map(({ check }) => check)).toEqual(['database']);
    const change = changeSingle(harness, secret, randomPassword());
    await expect(change).rejects.toMatchObject({ number: 3906 });
    await expect(change).rejects.toThrow(/read-only/);
    await harness.asAdmin([`ALTER DATABASE ${name} SET READ_WRITE`]);
    expect(wrong(await look('single', secret))).toEqual([]);
    await changeSingle(harness, secret, randomPassword());
  });
});
