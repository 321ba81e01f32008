import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest';
import { sqlServer, sqlServerAlternatingUsers } from '../../../rotators/sqlserver/index.ts';
import { quoteIdentifier, quoteLiteral } from '../../../rotators/sqlserver/quoting.ts';
import type { Rotator, SecretFields } from '../../../src/index.ts';
import { rotatorContext } from '../../support/postgres-fixtures.ts';
import {
  hostileNames,
  hostilePasswords,
  randomPassword,
  type SqlServerHarness,
  type TestLogin,
} from '../../support/tds/harness.ts';
import { changeSingle, codeOf, rotateAlternating } from './rotate.ts';

/** What holds on any SQL Server, and on the stand-in as far as it knows the statements. */
export function sqlServerSuite(name: string, start: () => Promise<SqlServerHarness>): void {
  describe(name, () => {
    let harness: SqlServerHarness;
    beforeAll(async () => {
      harness = await start();
    });
    afterAll(() => harness?.stop());

    const containedDatabase = async (context: TestContext): Promise<string> => {
      const made = await harness.contained();
      return 'database' in made ? made.database : context.skip(made.missing);
    };

    it('ends the old password of a login and takes the new one', async () => {
      const login = await harness.createLogin();
      const password = randomPassword();
      await changeSingle(harness, harness.secretOf(login), password);
      expect([await harness.canLogIn(login), await harness.canLogIn({ ...login, password })]).toEqual([
        false,
        true,
      ]);
    });

    it.each(hostileNames.map((name, index) => [name, hostilePasswords[index] ?? '']))(
      'takes %j for a name and %j for a password',
      async (name, text) => {
        const login = await harness.createLogin(name, `${text} 1`);
        const password = `${text} 2`;
        await changeSingle(harness, harness.secretOf(login), password);
        expect([await harness.canLogIn(login), await harness.canLogIn({ ...login, password })]).toEqual([
          false,
          true,
        ]);
      },
    );

    it('gives the password of the credential that logged in for the old one, and not that of AWSCURRENT', async () => {
      const login = await harness.createLogin();
      const password = randomPassword();
      const current = harness.secretOf({ ...login, password: randomPassword() });
      await changeSingle(harness, current, password, harness.secretOf(login));
      expect(await harness.canLogIn({ ...login, password })).toBe(true);
    });

    it('has the admin set a password that nobody knows', async () => {
      const login = await harness.createLogin();
      const password = randomPassword();
      await changeSingle(
        harness,
        harness.secretOf({ ...login, password: 'lost' }),
        password,
        harness.adminSecret(),
      );
      expect(await harness.canLogIn({ ...login, password })).toBe(true);
    });

    it('takes a password that must be changed for refused, and has the admin lift that', async () => {
      const login = await harness.createLogin();
      const given = { ...login, password: randomPassword() };
      const mustChange = `${quoteLiteral(given.password)} MUST_CHANGE, CHECK_EXPIRATION = ON, CHECK_POLICY = ON`;
      await harness.asAdmin([`ALTER LOGIN ${quoteIdentifier(login.username)} WITH PASSWORD = ${mustChange}`]);
      const rotator = sqlServer(harness.options);
      const context = rotatorContext();
      expect(await rotator.open(rotator.parse(harness.secretOf(given)), context)).toBeUndefined();
      expect(context.notes).toEqual([expect.stringMatching(/18488.*must be changed/s)]);
      const password = randomPassword();
      await changeSingle(harness, harness.secretOf(given), password, harness.adminSecret());
      expect(await harness.canLogIn({ ...login, password })).toBe(true);
    });

    it('has the admin leave a password alone that is not why the login is refused, and say what is', async () => {
      const login = await harness.createLogin();
      const name = quoteIdentifier(login.username);
      const reset = () =>
        changeSingle(harness, harness.secretOf(login), randomPassword(), harness.adminSecret());
      await harness.asAdmin([`DENY CONNECT SQL TO ${name}`]);
      expect(await harness.canLogIn(login)).toBe(false);
      await expect(reset()).rejects.toMatchObject({ code: 'PermissionDenied' });
      await expect(reset()).rejects.toThrow(
        /its password is not why.*denied CONNECT SQL.*REVOKE CONNECT SQL/s,
      );
      await harness.asAdmin([`REVOKE CONNECT SQL FROM ${name}`]);
      await expect(reset()).rejects.toThrow(/was not granted CONNECT SQL.*GRANT CONNECT SQL/s);
      await harness.asAdmin([`GRANT CONNECT SQL TO ${name}`]);
      // The admin can't see why it is refused.
      await expect(reset()).rejects.toThrow(/the password of AWSCURRENT is right.*error log/s);
      await harness.asAdmin([`ALTER LOGIN ${name} DISABLE`]);
      await expect(reset()).rejects.toThrow(/the login is disabled.*ENABLE/s);
      await harness.asAdmin([`ALTER LOGIN ${name} ENABLE`]);
      expect(await harness.canLogIn(login)).toBe(true);
    });

    it('has the admin tell what keeps a login out, for one user and for two', async () => {
      const login = await harness.createLogin();
      const rotators: Rotator[] = [sqlServer(harness.options), sqlServerAlternatingUsers(harness.options)];
      const explained = (secret: SecretFields) =>
        Promise.all(
          rotators.map(async (rotator) => {
            const context = rotatorContext();
            const admin = await rotator.open(rotator.parse(harness.adminSecret()), context);
            if (admin === undefined || rotator.kind !== 'changes') throw new Error('Refused.');
            const work = async () => rotator.explainRefusal?.(admin, rotator.parse(secret), context);
            return codeOf(work()).finally(() => admin.close());
          }),
        );
      const lost = harness.secretOf({ ...login, password: randomPassword() });
      expect(await explained(lost)).toEqual([undefined, undefined]);
      await harness.asAdmin([`DENY CONNECT SQL TO ${quoteIdentifier(login.username)}`]);
      expect(await explained(harness.secretOf(login))).toEqual(['PermissionDenied', 'PermissionDenied']);
    });

    it('changes a user of a contained database', async (context) => {
      const database = await containedDatabase(context);
      const login = { username: harness.uniqueName(`o'contained]`), password: randomPassword() };
      await harness.asAdmin(
        [`CREATE USER ${quoteIdentifier(login.username)} WITH PASSWORD = ${quoteLiteral(login.password)}`],
        database,
      );
      const password = randomPassword();
      await changeSingle(harness, harness.secretOf(login, database), password);
      expect([
        await harness.canLogIn(login, database),
        await harness.canLogIn({ ...login, password }, database),
      ]).toEqual([false, true]);
    });

    it('tells a refused password from all else', async () => {
      const rotator = sqlServer(harness.options);
      const login = await harness.createLogin();
      const open = (changes: object) =>
        rotator.open(rotator.parse({ ...harness.secretOf(login), ...changes }), rotatorContext());
      expect(await open({ password: 'wrong' })).toBeUndefined();
      expect(await open({ username: harness.uniqueName('nobody') })).toBeUndefined();
      await expect(open({ dbname: 'no such database' })).rejects.toMatchObject({ code: 'PermissionDenied' });
      await expect(open({ dbname: 'no such database' })).rejects.toThrow(/4060.*can not be opened.*dbname/s);
      await harness.asAdmin([`ALTER LOGIN ${quoteIdentifier(login.username)} DISABLE`]);
      await expect(open({})).rejects.toThrow(/18470.*is disabled/s);
    });

    it('tells a password that the policy refuses, after which the old one works', async () => {
      const login = await harness.createLogin();
      expect(await codeOf(changeSingle(harness, harness.secretOf(login), 'short'))).toBe('PasswordRejected');
      expect(await codeOf(changeSingle(harness, harness.secretOf(login), 'alllowercaseletters'))).toBe(
        'PasswordRejected',
      );
      expect(await harness.canLogIn(login)).toBe(true);
    });

    it('tells a lacking right', async () => {
      const [weak, login] = [await harness.createLogin('weak'), await harness.createLogin()];
      const byWeak = changeSingle(harness, harness.secretOf(login), randomPassword(), harness.secretOf(weak));
      expect(await codeOf(byWeak)).toMatch(/PermissionDenied|AccountMissing/);
    });

    it('finds all in order in a preflight', async () => {
      const login = await harness.createLogin();
      const rotator = sqlServer(harness.options);
      const context = rotatorContext();
      const credential = rotator.parse(harness.secretOf(login));
      const session = await rotator.open(credential, context);
      const admin = await rotator.open(rotator.parse(harness.adminSecret()), context);
      if (session === undefined) throw new Error('The login was refused.');
      const findings = await rotator.preflight?.(session, credential, admin, context);
      expect(findings?.map(({ check, ok }) => [check, ok])).toEqual([
        ['encryption', true],
        ['account', true],
        ['admin rights', true],
      ]);
      await Promise.all([session.close(), admin?.close()]);
    });

    it('makes a clone, goes back to the original, and always leaves the other working', async () => {
      const original = await harness.createLogin();
      const clone = await rotateAlternating(harness, harness.secretOf(original));
      expect(clone.username).toBe(`${original.username}_clone`);
      expect([await harness.canLogIn(original), await harness.canLogIn(clone)]).toEqual([true, true]);
      const again = await rotateAlternating(harness, harness.secretOf(clone));
      expect(again.username).toBe(original.username);
      expect([
        await harness.canLogIn(original),
        await harness.canLogIn(clone),
        await harness.canLogIn(again),
      ]).toEqual([false, true, true]);
    });

    it('sets what is set already, as a retry does', async () => {
      const original = await harness.createLogin();
      const password = randomPassword();
      for (const _ of [1, 2]) await rotateAlternating(harness, harness.secretOf(original), { password });
      expect(await harness.canLogIn({ username: `${original.username}_clone`, password })).toBe(true);
    });

    it.each(hostileNames)('takes %j for the name of a pair and of what it may do', async (text) => {
      const original = await harness.createLogin(text);
      const [user, table] = [quoteIdentifier(original.username), quoteIdentifier(harness.uniqueName(text))];
      await harness.asAdmin(
        [`CREATE TABLE [dbo].${table} (id int)`, `GRANT SELECT ON OBJECT::[dbo].${table} TO ${user}`],
        harness.database,
      );
      const clone = await rotateAlternating(harness, harness.secretOf(original));
      expect(await harness.canLogIn(clone)).toBe(true);
    });

    it('alternates between users of a contained database', async (context) => {
      const database = await containedDatabase(context);
      const original = { username: harness.uniqueName('contained'), password: randomPassword() };
      const user = quoteIdentifier(original.username);
      await harness.asAdmin(
        [
          `CREATE USER ${user} WITH PASSWORD = ${quoteLiteral(original.password)}`,
          `ALTER ROLE [db_datareader] ADD MEMBER ${user}`,
        ],
        database,
      );
      const clone = await rotateAlternating(harness, harness.secretOf(original, database));
      expect(await harness.canLogIn(clone, database)).toBe(true);
      const again = await rotateAlternating(harness, harness.secretOf(clone, database));
      expect([await harness.canLogIn(again, database), await harness.canLogIn(original, database)]).toEqual([
        true,
        false,
      ]);
    });

    it('refuses the user of a named pair that can do less, and names what it lacks', async () => {
      const [one, other] = [await harness.createLogin('one'), await harness.createLogin('other')];
      const [first, second] = [quoteIdentifier(one.username), quoteIdentifier(other.username)];
      const secret = { ...harness.secretOf(one), alternatingusers: [one.username, other.username] };
      const table = quoteIdentifier(harness.uniqueName('orders'));
      await harness.asAdmin(
        [
          `CREATE TABLE [dbo].${table} (id int, note int)`,
          `GRANT SELECT ON OBJECT::[dbo].${table} TO ${first}`,
          `GRANT UPDATE ([note]) ON OBJECT::[dbo].${table} TO ${first}`,
          `ALTER ROLE [db_datawriter] ADD MEMBER ${first}`,
        ],
        harness.database,
      );
      const refused = rotateAlternating(harness, secret);
      await expect(refused).rejects.toMatchObject({ code: 'PrivilegesMissing' });
      await expect(refused).rejects.toThrow(
        /membership in db_datawriter.*SELECT on OBJECT::\[dbo\]\.\[orders/s,
      );
      await harness.asAdmin(
        [
          `GRANT SELECT ON OBJECT::[dbo].${table} TO ${second}`,
          `GRANT UPDATE ([note]) ON OBJECT::[dbo].${table} TO ${second}`,
          `ALTER ROLE [db_datawriter] ADD MEMBER ${second}`,
        ],
        harness.database,
      );
      expect((await rotateAlternating(harness, secret)).username).toBe(other.username);
    });

    it('names what one login of a pair may do beyond the other, on the server and in each database', async () => {
      const [one, other] = [await harness.createLogin('one'), await harness.createLogin('other')];
      const rotator = sqlServerAlternatingUsers(harness.options);
      const context = rotatorContext();
      const parse = (login: TestLogin) =>
        rotator.parse({
          ...harness.secretOf(login),
          alternatingusers: [one.username, other.username],
        });
      const admin = await rotator.open(rotator.parse(harness.adminSecret()), context);
      if (admin === undefined) throw new Error('The admin was refused.');
      const excess = () => rotator.excessRights?.(admin, parse(other), parse(one), context);
      try {
        expect(await excess()).toEqual([]);
        const name = quoteIdentifier(other.username);
        await harness.asAdmin([
          `ALTER SERVER ROLE [processadmin] ADD MEMBER ${name}`,
          `GRANT VIEW SERVER STATE TO ${name}`,
        ]);
        await harness.asAdmin(
          [`GRANT SELECT ON SCHEMA::[dbo] TO ${name}`, `ALTER ROLE [db_securityadmin] ADD MEMBER ${name}`],
          harness.database,
        );
        expect(await excess()).toEqual([
          'membership in processadmin',
          'VIEW SERVER STATE on the server',
          `membership in db_securityadmin (in ${harness.database})`,
          `SELECT on SCHEMA::[dbo] (in ${harness.database})`,
        ]);
        expect(await rotator.excessRights?.(admin, parse(one), parse(other), context)).toEqual([]);
      } finally {
        await admin.close();
      }
    });

    it('tells an account of a named pair that does not exist', async () => {
      const one = await harness.createLogin('one');
      const missing = [one.username, harness.uniqueName('no such login')];
      const secret = { ...harness.secretOf(one), alternatingusers: missing };
      expect(await codeOf(rotateAlternating(harness, secret))).toBe('AccountMissing');
      const parsed = sqlServerAlternatingUsers(harness.options).parse(secret);
      expect(parsed.pair.alternate).toBe(missing[1]);
    });
  });
}
