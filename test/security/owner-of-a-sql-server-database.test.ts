import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sqlServerAlternatingUsers } from '../../rotators/sqlserver/index.ts';
import { quoteIdentifier, quoteLiteral } from '../../rotators/sqlserver/quoting.ts';
import type { SecretFields } from '../../src/index.ts';
import { changeSingle, rotateAlternating } from '../rotators/sqlserver/rotate.ts';
import { rotatorContext } from '../support/postgres-fixtures.ts';
import {
  randomPassword,
  realHarness,
  type SqlServerHarness,
  standInHarness,
  type TestLogin,
} from '../support/tds/harness.ts';

/**
 * Mallory owns a database, and may write a secret for an account in it. The server's admin rotates that secret: makes
 * users in mallory's database, grants there and sets passwords. Mallory must not come by what the admin may do.
 */
function ownerSuite(name: string, start: () => Promise<SqlServerHarness>): void {
  describe(`whoever owns a database of ${name}`, () => {
    let harness: SqlServerHarness;
    beforeAll(async () => {
      harness = await start();
    });
    afterAll(() => harness?.stop());

    /** A database of mallory's own, with a user of mallory's in db_owner. */
    async function ownDatabase(): Promise<{ mallory: TestLogin; database: string }> {
      const mallory = await harness.createLogin('mallory');
      const database = harness.uniqueName('shop');
      const user = quoteIdentifier(mallory.username);
      await harness.asAdmin([`CREATE DATABASE ${quoteIdentifier(database)}`]);
      await harness.asAdmin(
        [`CREATE USER ${user} FOR LOGIN ${user}`, `ALTER ROLE [db_owner] ADD MEMBER ${user}`],
        database,
      );
      return { mallory, database };
    }

    /** A login with a user in the database, and a right there that a clone must get. */
    async function victim(database: string): Promise<SecretFields & TestLogin> {
      const app = await harness.createLogin();
      const user = quoteIdentifier(app.username);
      await harness.asAdmin(
        [
          `CREATE USER ${user} FOR LOGIN ${user}`,
          `GRANT SELECT ON SCHEMA::[dbo] TO ${user}`,
          `ALTER ROLE [db_datareader] ADD MEMBER ${user}`,
        ],
        database,
      );
      return harness.secretOf(app, database);
    }

    /** The attack of Microsoft's page on the security of triggers. */
    async function layTrap(
      { mallory, database }: { mallory: TestLogin; database: string },
      before = '',
      events = 'CREATE_USER, ALTER_USER, GRANT_DATABASE, DENY_DATABASE, REVOKE_DATABASE, ADD_ROLE_MEMBER',
    ): Promise<void> {
      const attack = `${before}USE [master]; GRANT CONTROL SERVER TO ${quoteIdentifier(mallory.username)}`;
      await harness.as(
        mallory,
        [
          `CREATE TRIGGER [trap] ON DATABASE FOR ${events} AS SET XACT_ABORT OFF; BEGIN TRY EXEC (${quoteLiteral(attack)}) END TRY BEGIN CATCH END CATCH`,
        ],
        database,
      );
    }

    async function administers(login: TestLogin): Promise<boolean> {
      const made = `CREATE LOGIN ${quoteIdentifier(harness.uniqueName('made'))} WITH PASSWORD = ${quoteLiteral(randomPassword())}`;
      return harness.as(login, [made]).then(
        () => true,
        () => false,
      );
    }

    it('would come by the rights of an admin who runs DDL there as himself', async () => {
      const own = await ownDatabase();
      await layTrap(own);
      const user = quoteIdentifier(harness.uniqueName('made by hand'));
      expect(await administers(own.mallory)).toBe(false);
      const password = quoteLiteral(randomPassword());
      await harness.asAdmin([`CREATE LOGIN ${user} WITH PASSWORD = ${password}`]);
      await harness.asAdmin([`CREATE USER ${user} FOR LOGIN ${user}`], own.database);
      expect(await administers(own.mallory)).toBe(true);
    });

    it.each([
      ['runs what it wants', '', undefined],
      ['reverts to the admin first', 'REVERT; REVERT; ', undefined],
      ['waits for any event', '', 'DDL_DATABASE_LEVEL_EVENTS'],
    ])('gets nothing by a DDL trigger that %s', async (_, before, events) => {
      const own = await ownDatabase();
      const secret = await victim(own.database);
      await layTrap(own, before, events);
      const clone = await rotateAlternating(harness, secret);
      expect(await harness.canLogIn(clone, own.database)).toBe(true);
      // A later rotation grants what was granted since.
      await harness.as(
        own.mallory,
        [`GRANT INSERT ON SCHEMA::[dbo] TO ${quoteIdentifier(secret.username)}`],
        own.database,
      );
      await rotateAlternating(harness, secret);
      expect(await administers(own.mallory)).toBe(false);
    });

    it('gets nothing by a trigger at the change of a password that the database keeps', async (context) => {
      const made = await harness.contained();
      if ('missing' in made) return context.skip(made.missing);
      const { database } = made;
      const mallory = await harness.createLogin('mallory');
      const user = quoteIdentifier(mallory.username);
      const app = { username: harness.uniqueName('contained'), password: randomPassword() };
      await harness.asAdmin(
        [
          `CREATE USER ${user} FOR LOGIN ${user}`,
          `ALTER ROLE [db_owner] ADD MEMBER ${user}`,
          `CREATE USER ${quoteIdentifier(app.username)} WITH PASSWORD = ${quoteLiteral(app.password)}`,
        ],
        database,
      );
      await layTrap({ mallory, database });
      const secret = harness.secretOf(app, database);
      const password = randomPassword();
      await changeSingle(harness, secret, password, { ...harness.adminSecret(), dbname: database });
      expect(await harness.canLogIn({ ...app, password }, database)).toBe(true);
      expect(await administers(mallory)).toBe(false);
    });

    it('has no rotation in a database that the server trusts, and is told why', async () => {
      const own = await ownDatabase();
      const secret = await victim(own.database);
      await harness.asAdmin([`ALTER DATABASE ${quoteIdentifier(own.database)} SET TRUSTWORTHY ON`]);
      await layTrap(own);
      const rotation = rotateAlternating(harness, secret);
      await expect(rotation).rejects.toMatchObject({ code: 'PermissionDenied' });
      await expect(rotation).rejects.toThrow(/is TRUSTWORTHY.*Nothing was changed there.*TRUSTWORTHY OFF/s);
      expect(await administers(own.mallory)).toBe(false);
      await harness.asAdmin([`ALTER DATABASE ${quoteIdentifier(own.database)} SET TRUSTWORTHY OFF`]);
      expect(await harness.canLogIn(await rotateAlternating(harness, secret), own.database)).toBe(true);
      expect(await administers(own.mallory)).toBe(false);
    });

    it('has no rotation by an admin who can not act as the owner, and who is told what is missing', async () => {
      const own = await ownDatabase();
      const secret = await victim(own.database);
      const admin = await harness.createLogin('admin');
      const name = quoteIdentifier(admin.username);
      await harness.asAdmin([`GRANT ALTER ANY LOGIN TO ${name}`]);
      await harness.asAdmin(
        [
          `CREATE USER ${name} FOR LOGIN ${name}`,
          `GRANT VIEW DEFINITION ON DATABASE::${quoteIdentifier(own.database)} TO ${name}`,
        ],
        own.database,
      );
      await layTrap(own);
      const rotation = rotateAlternating(harness, secret, {
        admin: { ...harness.secretOf(admin, own.database) },
      });
      await expect(rotation).rejects.toMatchObject({ code: 'PermissionDenied' });
      await expect(rotation).rejects.toThrow(/can't act as dbo.*db_owner.*ALTER AUTHORIZATION/s);
      expect(await administers(own.mallory)).toBe(false);
    });

    it('can not have the clone be the user of another login', async () => {
      const own = await ownDatabase();
      const secret = await victim(own.database);
      const other = await harness.createLogin('other');
      const clone = quoteIdentifier(`${secret.username}_clone`);
      await harness.as(
        own.mallory,
        [`CREATE USER ${clone} FOR LOGIN ${quoteIdentifier(other.username)}`],
        own.database,
      );
      const rotation = rotateAlternating(harness, secret);
      await expect(rotation).rejects.toMatchObject({ code: 'PermissionDenied' });
      await expect(rotation).rejects.toThrow(/has a user .*_clone already, which is the login other/s);
    });

    it("has no login's password changed by a user of its name that is gone when the admin looks", async (context) => {
      const made = await harness.contained();
      if ('missing' in made) return context.skip(made.missing);
      const { database } = made;
      const dba = await harness.createLogin('dba');
      const fake = { username: dba.username, password: randomPassword() };
      const user = quoteIdentifier(fake.username);
      await harness.asAdmin([`CREATE USER ${user} WITH PASSWORD = ${quoteLiteral(fake.password)}`], database);
      const rotator = sqlServerAlternatingUsers(harness.options);
      const current = rotator.parse(harness.secretOf(fake, database));
      const given = rotatorContext();
      const proof = await rotator.open(current, given);
      expect(proof).toBeDefined();
      await proof?.close();
      await harness.asAdmin([`DROP USER ${user}`], database);

      const pending = rotator.parse(
        harness.secretOf({ username: `${fake.username}_clone`, password: randomPassword() }, database),
      );
      const using = rotator.parse({ ...harness.adminSecret(), dbname: database });
      const admin = await rotator.open(using, given);
      if (admin === undefined) throw new Error('The admin was refused.');
      try {
        const change = rotator.change(admin, pending, { ...given, using, current });
        await expect(change).rejects.toMatchObject({ code: 'PermissionDenied' });
        await expect(change).rejects.toThrow(/of the secret is not its password/);
      } finally {
        await admin.close();
      }
      expect(await harness.canLogIn(pending, 'master')).toBe(false);
      expect(await harness.canLogIn(dba, 'master')).toBe(true);
    });

    it('has the same name rotated where the login is meant', async (context) => {
      const made = await harness.contained();
      if ('missing' in made) return context.skip(made.missing);
      const app = await harness.createLogin();
      const user = quoteIdentifier(app.username);
      await harness.asAdmin([`CREATE USER ${user} FOR LOGIN ${user}`], made.database);
      const clone = await rotateAlternating(harness, harness.secretOf(app, made.database));
      expect(await harness.canLogIn(clone, made.database)).toBe(true);
    });
  });
}

ownerSuite("SQL Server's stand-in", standInHarness);

const connectionString = process.env.KEYTURN_TEST_SQLSERVER_URL;
if (connectionString === undefined || connectionString === '') {
  describe('whoever owns a database of a real SQL Server', () => {
    it.skip('skipped: KEYTURN_TEST_SQLSERVER_URL, an ADO.NET connection string of an admin, is not set', () =>
      undefined);
  });
} else ownerSuite('a real SQL Server', () => realHarness(connectionString));
