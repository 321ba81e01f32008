import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sqlServer, sqlServerAlternatingUsers } from '../../../rotators/sqlserver/index.ts';
import { quoteIdentifier, quoteLiteral } from '../../../rotators/sqlserver/quoting.ts';
import type { SecretFields } from '../../../src/index.ts';
import { rotatorContext } from '../../support/postgres-fixtures.ts';
import { randomPassword, standInHarness, type TestLogin } from '../../support/tds/harness.ts';
import { rotateAlternating } from './rotate.ts';

describe('what an account of SQL Server may do beyond the proven one', () => {
  let harness: Awaited<ReturnType<typeof standInHarness>>;
  beforeAll(async () => {
    harness = await standInHarness();
    await harness.asAdmin(['CREATE SERVER ROLE [made by somebody]']);
    await harness.asAdmin(
      ['CREATE TABLE [dbo].[salaries] (id int, pay int)', 'CREATE ROLE [sysadmin]'],
      harness.database,
    );
  });
  afterAll(() => harness.stop());

  const quoted = ({ username }: { username: string }) => quoteIdentifier(username);

  /** Asks as core does: what the next account may do beyond the one that proved itself. */
  async function excess(
    subject: SecretFields,
    proven: SecretFields | undefined,
    admin: SecretFields = harness.adminSecret(),
  ): Promise<{ rights: readonly string[]; notes: string[]; statements: number }> {
    const rotator = sqlServerAlternatingUsers(harness.options);
    const context = rotatorContext();
    const session = await rotator.open(rotator.parse({ ...admin, dbname: subject.dbname }), context);
    if (session === undefined) throw new Error('The admin was refused.');
    const before = harness.standIn.statements.length;
    const rights = await rotator.excessRights?.(
      session,
      rotator.parse(subject),
      proven === undefined ? undefined : rotator.parse(proven),
      context,
    );
    const statements = harness.standIn.statements.length - before;
    await session.close();
    return { rights: rights ?? [], notes: context.notes, statements };
  }

  /** Two logins that somebody has named as a pair. */
  async function namedPair() {
    const [mallory, dba] = [await harness.createLogin('mallory'), await harness.createLogin('dba')];
    const alternatingusers = [mallory.username, dba.username];
    return {
      mallory,
      dba,
      proven: { ...harness.secretOf(mallory), alternatingusers },
      subject: { ...harness.secretOf(dba), alternatingusers },
    };
  }

  const cloneOf = (login: TestLogin): SecretFields =>
    harness.secretOf({ ...login, username: `${login.username}_clone` });

  it('is nothing for a clone that is not there yet, one that was made, and the way back', async () => {
    const login = await harness.createLogin();
    await harness.asAdmin([`ALTER SERVER ROLE [processadmin] ADD MEMBER ${quoted(login)}`]);
    await harness.asAdmin(
      [
        `GRANT SELECT ON SCHEMA::[dbo] TO ${quoted(login)} WITH GRANT OPTION`,
        `DENY DELETE ON SCHEMA::[dbo] TO ${quoted(login)}`,
        `ALTER ROLE [db_owner] ADD MEMBER ${quoted(login)}`,
      ],
      harness.database,
    );
    const original = harness.secretOf(login);
    expect(await excess(cloneOf(login), original)).toEqual({ rights: [], notes: [], statements: 1 });
    await rotateAlternating(harness, original);
    expect((await excess(cloneOf(login), original)).rights).toEqual([]);
    expect((await excess(original, cloneOf(login))).rights).toEqual([]);
  });

  it('is nothing for a clone with less, which is given that before it is used', async () => {
    const login = await harness.createLogin();
    const clone = `${login.username}_clone`;
    await harness.asAdmin([
      `CREATE LOGIN ${quoteIdentifier(clone)} WITH PASSWORD = ${quoteLiteral(randomPassword())}`,
    ]);
    await harness.asAdmin(
      [
        `GRANT SELECT ON SCHEMA::[dbo] TO ${quoted(login)}`,
        `DENY DELETE ON SCHEMA::[dbo] TO ${quoted(login)}`,
      ],
      harness.database,
    );
    expect((await excess(cloneOf(login), harness.secretOf(login))).rights).toEqual([]);
  });

  it.each([
    [`ALTER SERVER ROLE [sysadmin] ADD MEMBER`, '', /^membership in sysadmin$/],
    [`ALTER SERVER ROLE [securityadmin] ADD MEMBER`, '', /^membership in securityadmin$/],
    [`ALTER SERVER ROLE [##MS_LoginManager##] ADD MEMBER`, '', /^membership in ##MS_LoginManager##$/],
    [`ALTER SERVER ROLE [made by somebody] ADD MEMBER`, '', /^membership in made by somebody$/],
    [`GRANT ALTER ANY LOGIN TO`, '', /^ALTER ANY LOGIN on the server$/],
    [`GRANT CONTROL SERVER TO`, '', /^CONTROL SERVER on the server$/],
    [`GRANT IMPERSONATE ON LOGIN::[sa] TO`, '', /^IMPERSONATE on LOGIN::\[sa\]$/],
    [`GRANT VIEW SERVER STATE TO`, '', /^VIEW SERVER STATE on the server$/],
  ])('names what is granted on the server: %s', async (statement, _, right) => {
    const { dba, proven, subject } = await namedPair();
    expect((await excess(subject, proven)).rights).toEqual([]);
    await harness.asAdmin([`${statement} ${quoted(dba)}`]);
    expect((await excess(subject, proven)).rights).toEqual([expect.stringMatching(right)]);
    // What the proven account may do beyond the other does not matter.
    expect((await excess(proven, subject)).rights).toEqual([]);
  });

  it.each([
    [`ALTER ROLE [db_owner] ADD MEMBER`, /^membership in db_owner \(in keyturn-/],
    [`ALTER ROLE [db_securityadmin] ADD MEMBER`, /^membership in db_securityadmin \(in keyturn-/],
    [`GRANT IMPERSONATE ON USER::[dbo] TO`, /^IMPERSONATE on USER::\[dbo\] \(in keyturn-/],
    [`GRANT SELECT ON OBJECT::[dbo].[salaries] TO`, /^SELECT on OBJECT::\[dbo\]\.\[salaries\] \(in/],
  ])('names what is granted in a database: %s', async (statement, right) => {
    const { dba, proven, subject } = await namedPair();
    await harness.asAdmin([`${statement} ${quoted(dba)}`], harness.database);
    expect((await excess(subject, proven)).rights).toEqual([expect.stringMatching(right)]);
  });

  it('names what is granted on a database as a whole', async () => {
    const { dba, proven, subject } = await namedPair();
    const database = `DATABASE::${quoteIdentifier(harness.database)}`;
    await harness.asAdmin([`GRANT CONTROL ON ${database} TO ${quoted(dba)}`], harness.database);
    expect((await excess(subject, proven)).rights).toEqual([
      `CONTROL on ${database} (in ${harness.database})`,
    ]);
  });

  it('looks into every database, and not into that of the secret alone', async () => {
    const { dba, mallory, proven, subject } = await namedPair();
    const payroll = harness.uniqueName('payroll');
    await harness.asAdmin([`CREATE DATABASE ${quoteIdentifier(payroll)}`]);
    await harness.asAdmin([`CREATE USER [boss] FOR LOGIN ${quoted(dba)}`], payroll);
    const access = `access to the database (in ${payroll})`;
    expect((await excess(subject, proven)).rights).toContain(access);
    await harness.asAdmin([`CREATE USER [clerk] FOR LOGIN ${quoted(mallory)}`], payroll);
    expect((await excess(subject, proven)).rights).toEqual([]);
    await harness.asAdmin([`ALTER AUTHORIZATION ON DATABASE::${quoteIdentifier(payroll)} TO ${quoted(dba)}`]);
    expect((await excess(subject, proven)).rights).toEqual([
      `ownership of the database ${payroll}`,
      `membership in db_owner (in ${payroll})`,
    ]);
  });

  it('counts what is denied to the one and not to the other', async () => {
    const { mallory, proven, subject } = await namedPair();
    await harness.asAdmin([`DENY DELETE ON SCHEMA::[dbo] TO ${quoted(mallory)}`], harness.database);
    expect((await excess(subject, proven)).rights).toEqual([
      expect.stringMatching(/^freedom from the denial of DELETE on SCHEMA::\[dbo\] \(in/),
    ]);
  });

  it('counts what a user without a login holds, which a clone of its name would get', async () => {
    const login = await harness.createLogin();
    const clone = quoteIdentifier(`${login.username}_clone`);
    await harness.asAdmin([`CREATE LOGIN ${clone} WITH PASSWORD = ${quoteLiteral(randomPassword())}`]);
    await harness.asAdmin(
      [
        `CREATE USER ${clone} FOR LOGIN ${clone}`,
        `DROP LOGIN ${clone}`,
        `ALTER ROLE [db_owner] ADD MEMBER ${clone}`,
      ],
      harness.database,
    );
    expect((await excess(cloneOf(login), harness.secretOf(login))).rights).toEqual([
      expect.stringMatching(/^membership in db_owner/),
    ]);
  });

  it('is nothing beyond a sysadmin, and does not take a role of a database for one', async () => {
    const { dba, mallory, proven, subject } = await namedPair();
    await harness.asAdmin([`GRANT CONTROL SERVER TO ${quoted(dba)}`]);
    await harness.asAdmin([`ALTER ROLE [sysadmin] ADD MEMBER ${quoted(mallory)}`], harness.database);
    expect((await excess(subject, proven)).rights).toEqual(['CONTROL SERVER on the server']);
    await harness.asAdmin([`ALTER SERVER ROLE [sysadmin] ADD MEMBER ${quoted(mallory)}`]);
    expect((await excess(subject, proven)).rights).toEqual([]);
  });

  it('names the databases that the admin can not look into for a named pair, and notes them for a clone', async () => {
    const { proven, subject } = await namedPair();
    const admin = await harness.createLogin('admin');
    await harness.asAdmin([`GRANT ALTER ANY LOGIN TO ${quoted(admin)}`]);
    const asked = await excess(subject, proven, harness.secretOf(admin));
    expect(asked.rights).toEqual([expect.stringContaining(`whatever it may do in `)]);
    expect(asked.rights[0]).toContain(harness.database);
    const login = await harness.createLogin();
    const clone = await excess(cloneOf(login), harness.secretOf(login), harness.secretOf(admin));
    expect(clone.rights).toEqual([]);
    expect(clone.notes).toEqual([expect.stringMatching(/was not compared/)]);
  });

  it('compares users of a contained database there, and the logins of their names where there are any', async () => {
    const made = await harness.contained();
    if ('missing' in made) throw new Error(made.missing);
    const { database } = made;
    const [one, other] = [harness.uniqueName('one'), harness.uniqueName('other')];
    const password = randomPassword();
    const user = (name: string) =>
      `CREATE USER ${quoteIdentifier(name)} WITH PASSWORD = ${quoteLiteral(password)}`;
    await harness.asAdmin([user(one), user(other)], database);
    const alternatingusers = [one, other];
    const secret = (username: string) => ({
      ...harness.secretOf({ username, password }, database),
      alternatingusers,
    });
    expect((await excess(secret(other), secret(one))).rights).toEqual([]);
    await harness.asAdmin([`ALTER ROLE [db_owner] ADD MEMBER ${quoteIdentifier(other)}`], database);
    expect((await excess(secret(other), secret(one))).rights).toEqual([
      `membership in db_owner (in ${database})`,
    ]);

    await harness.asAdmin([`CREATE LOGIN ${quoteIdentifier(one)} WITH PASSWORD = ${quoteLiteral(password)}`]);
    expect((await excess(secret(one), secret(other))).rights).toEqual([]);
    await harness.asAdmin([`GRANT ALTER ANY LOGIN TO ${quoteIdentifier(one)}`]);
    expect((await excess(secret(one), secret(other))).rights).toEqual([
      'as the login of that name: ALTER ANY LOGIN on the server',
    ]);
  });

  describe('where nothing was proven', () => {
    const alone = async (login: TestLogin): Promise<readonly string[]> => {
      const rotator = sqlServer(harness.options);
      const context = rotatorContext();
      const session = await rotator.open(rotator.parse(harness.adminSecret()), context);
      if (session === undefined) throw new Error('The admin was refused.');
      const rights = await rotator.excessRights?.(
        session,
        rotator.parse(harness.secretOf(login)),
        undefined,
        context,
      );
      await session.close();
      return rights ?? [];
    };

    it('is nothing for an application, though it owns its database', async () => {
      const login = await harness.createLogin();
      await harness.asAdmin([`GRANT VIEW SERVER STATE TO ${quoted(login)}`]);
      await harness.asAdmin([`ALTER ROLE [db_owner] ADD MEMBER ${quoted(login)}`], harness.database);
      expect(await alone(login)).toEqual([]);
    });

    it.each([
      ['master', `ALTER SERVER ROLE [sysadmin] ADD MEMBER`, 'membership in sysadmin'],
      [
        'master',
        `ALTER SERVER ROLE [##MS_SecurityDefinitionReader##] ADD MEMBER`,
        'membership in ##MS_SecurityDefinitionReader##',
      ],
      ['master', `GRANT ALTER ANY LOGIN TO`, 'ALTER ANY LOGIN on the server'],
      ['master', `GRANT IMPERSONATE ON LOGIN::[sa] TO`, 'IMPERSONATE on LOGIN::[sa]'],
      ['msdb', `ALTER ROLE [db_owner] ADD MEMBER`, 'membership in db_owner (in msdb)'],
    ])('names what administers, in %s: %s', async (database, statement, right) => {
      const login = await harness.createLogin();
      if (database !== 'master')
        await harness.asAdmin([`CREATE USER ${quoted(login)} FOR LOGIN ${quoted(login)}`], database);
      await harness.asAdmin([`${statement} ${quoted(login)}`], database);
      expect(await alone(login)).toEqual([right]);
    });
  });
});
