import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sqlServer, sqlServerAlternatingUsers } from '../../../rotators/sqlserver/index.ts';
import { quoteIdentifier, quoteLiteral } from '../../../rotators/sqlserver/quoting.ts';
import { loginOf, rotatorContext } from '../../support/postgres-fixtures.ts';
import { failOnce, type RotationFixture, startFixture } from '../../support/rotation-fixture.ts';
import { randomPassword, standInHarness, type TestLogin } from '../../support/tds/harness.ts';
import { rotateAlternating } from './rotate.ts';

/** Whole rotations, by the handler and the local Secrets Manager, against the stand-in. */
describe('rotating a SQL Server secret', () => {
  let harness: Awaited<ReturnType<typeof standInHarness>>;
  let fixture: RotationFixture;
  beforeAll(async () => {
    harness = await standInHarness();
    const rotators = [sqlServer(harness.options), sqlServerAlternatingUsers(harness.options)];
    fixture = await startFixture({ rotators });
  });
  afterAll(async () => {
    await fixture.close();
    await harness.stop();
  });

  const modelOf = ({ username }: TestLogin) => {
    const login = harness.standIn.model.logins.get(username);
    if (login === undefined) throw new Error('No such login.');
    return login;
  };
  const userOf = ({ username }: TestLogin) => {
    const user = harness.standIn.model.databases.get(harness.database)?.users.get(username);
    if (user === undefined) throw new Error('No such user.');
    return user;
  };
  /** Logins that the function made, without those of the tests. */
  const byFunction = () => harness.standIn.logins.filter(({ appName }) => appName === 'keyturn');

  it('takes 2 logins for a single user, none refused', async () => {
    const login = await harness.createLogin();
    const arn = await fixture.createSecret(harness.secretOf(login));
    const before = byFunction().length;
    expect(await fixture.rotate(arn)).toBeUndefined();
    expect(byFunction().slice(before)).toEqual([
      { username: login.username, appName: 'keyturn', accepted: true, encrypted: true },
      { username: login.username, appName: 'keyturn', accepted: true, encrypted: true },
    ]);
    const rotated = loginOf(await fixture.read(arn));
    expect([await harness.canLogIn(rotated), await harness.canLogIn(login)]).toEqual([true, false]);
  });

  it('takes 3 logins for alternating users, none refused', async () => {
    const login = await harness.createLogin();
    const masterarn = await fixture.createSecret(harness.adminSecret());
    const arn = await fixture.createSecret({ ...harness.secretOf(login), engine: 'sqlserver-se', masterarn });
    const before = byFunction().length;
    expect(await fixture.rotate(arn)).toBeUndefined();
    expect(
      byFunction()
        .slice(before)
        .map(({ username, accepted }) => [username, accepted]),
    ).toEqual([
      [login.username, true],
      ['sa', true],
      [`${login.username}_clone`, true],
    ]);
    expect(await harness.canLogIn(loginOf(await fixture.read(arn)))).toBe(true);
    expect(await harness.canLogIn(login)).toBe(true);
  });

  it('heals after a lost answer when somebody cleared AWSPENDING', async () => {
    const login = await harness.createLogin();
    const arn = await fixture.createSecret(harness.secretOf(login));
    failOnce(fixture.functionClient, 'UpdateSecretVersionStage', 'before');
    expect(await fixture.rotate(arn)).toMatch(/was lost/);
    await fixture.clearPending(arn);
    expect(await fixture.rotate(arn)).toBeUndefined();
    expect(await harness.canLogIn(loginOf(await fixture.read(arn)))).toBe(true);
  });

  it('takes AWSPENDING off a version whose password the policy refuses', async () => {
    const login = await harness.createLogin();
    const arn = await fixture.createSecret(harness.secretOf(login));
    const short = await startFixture({
      rotators: [sqlServer(harness.options)],
      configuration: { password: { length: 5 } },
    });
    try {
      const refused = await short.createSecret(harness.secretOf(login));
      expect(await short.rotate(refused)).toMatch(/^PasswordRejected: .*too short/);
      expect(Object.values(await short.labels(refused)).flat()).not.toContain('AWSPENDING');
    } finally {
      await short.close();
    }
    expect(await fixture.rotate(arn)).toBeUndefined();
  });

  it('stores no password that is too long for SQL Server, and rotates once the length is mended', async () => {
    const login = await harness.createLogin();
    const rotators = [sqlServer(harness.options)];
    const long = await startFixture({ rotators, configuration: { password: { length: 200 } } });
    try {
      const arn = await long.createSecret(harness.secretOf(login));
      expect(await long.rotate(arn)).toMatch(/^PasswordImpossible: .*at most 128.*PASSWORD_LENGTH/);
      expect(await long.read(arn)).toEqual(harness.secretOf(login));
    } finally {
      await long.close();
    }
    expect(await harness.canLogIn(login)).toBe(true);
  });

  it.each([18487, 18488])('has the admin lift %d, a password that must be changed', async (barred) => {
    const login = await harness.createLogin();
    const serves = { '*': [login.username] };
    const masterarn = await fixture.createSecret({ ...harness.adminSecret(), serves });
    const tags = { 'keyturn:rotator': 'sqlserver' };
    const arn = await fixture.createSecret({ ...harness.secretOf(login), masterarn }, tags);
    modelOf(login).barred = barred;
    expect(await fixture.rotate(arn)).toBeUndefined();
    expect(await harness.canLogIn(loginOf(await fixture.read(arn)))).toBe(true);
  });

  it('has the admin set no password where the server takes Windows accounts only', async () => {
    const login = await harness.createLogin();
    const rotator = sqlServer(harness.options);
    const context = rotatorContext();
    const [current, using] = [
      rotator.parse(harness.secretOf({ ...login, password: 'lost' })),
      rotator.parse(harness.adminSecret()),
    ];
    const admin = await rotator.open(using, context);
    if (admin === undefined) throw new Error('The admin was refused.');
    harness.standIn.model.windowsOnly = true;
    try {
      expect(await rotator.open(rotator.parse(harness.secretOf(login)), context)).toBeUndefined();
      const pending = { ...current, password: 'Another-password-1' };
      const change = rotator.change(admin, pending, { ...context, using, current });
      await expect(change).rejects.toThrow(/takes Windows accounts only/);
    } finally {
      harness.standIn.model.windowsOnly = false;
      await admin.close();
    }
    expect(await harness.canLogIn(login)).toBe(true);
  });

  it('says in a rotation that a right password is not to blame', async () => {
    const login = await harness.createLogin();
    const serves = { '*': [login.username] };
    const masterarn = await fixture.createSecret({ ...harness.adminSecret(), serves });
    const tags = { 'keyturn:rotator': 'sqlserver' };
    const arn = await fixture.createSecret({ ...harness.secretOf(login), masterarn }, tags);
    await harness.asAdmin([`DENY CONNECT SQL TO ${quoteIdentifier(login.username)}`]);
    expect(await fixture.rotate(arn)).toMatch(/^PermissionDenied: .*denied CONNECT SQL/);
    await harness.asAdmin([`GRANT CONNECT SQL TO ${quoteIdentifier(login.username)}`]);
    expect(await harness.canLogIn(login)).toBe(true);
    expect(await fixture.rotate(arn)).toBeUndefined();
  });

  it('says what bars a login, and tries no other password', async () => {
    const login = await harness.createLogin();
    const arn = await fixture.createSecret(harness.secretOf(login));
    modelOf(login).barred = 18486;
    const before = byFunction().length;
    expect(await fixture.rotate(arn)).toMatch(/^PermissionDenied: .*locked out/);
    expect(byFunction().slice(before)).toHaveLength(1);
  });

  it('tells in a preflight what a rotation lacks, and changes nothing', async () => {
    const [login, weak] = [await harness.createLogin(), await harness.createLogin('weak')];
    const arnOf = async (admin: object) =>
      fixture.createSecret({ ...harness.secretOf(login), masterarn: await fixture.createSecret(admin) });
    const weakArn = await arnOf(harness.secretOf(weak));
    expect(await fixture.rotate(weakArn, { immediately: false })).toMatch(
      /^PreflightFailed: .*clone: There is no login .*ALTER ANY LOGIN/,
    );
    expect(await fixture.rotate(await arnOf(harness.adminSecret()), { immediately: false })).toBeUndefined();
    expect(harness.standIn.model.logins.has(`${login.username}_clone`)).toBe(false);
  });

  it('has the admin set no password for a login that may do more, and none for one that nobody names', async () => {
    const [login, dba] = [await harness.createLogin(), await harness.createLogin('dba')];
    await harness.asAdmin([`GRANT ALTER ANY LOGIN TO ${quoteIdentifier(dba.username)}`]);
    const masterarn = await fixture.createSecret({ ...harness.adminSecret(), serves: { '*': ['dba*'] } });
    const pair = { ...harness.secretOf(login), alternatingusers: [login.username, dba.username], masterarn };
    expect(await fixture.rotate(await fixture.createSecret(pair))).toMatch(
      /^RightsExceeded: .*ALTER ANY LOGIN on the server/,
    );
    const alone = { ...harness.secretOf({ ...dba, password: 'guessed' }), masterarn };
    const tags = { 'keyturn:rotator': 'sqlserver' };
    expect(await fixture.rotate(await fixture.createSecret(alone, tags))).toMatch(/^RightsExceeded/);
    const unnamed = { ...harness.secretOf({ ...login, password: 'guessed' }), masterarn };
    expect(await fixture.rotate(await fixture.createSecret(unnamed, tags))).toMatch(/^AccountNotServed/);
    expect([await harness.canLogIn(login), await harness.canLogIn(dba)]).toEqual([true, true]);
  });

  it('unlocks a clone that somebody locked out with an old password', async () => {
    const login = await harness.createLogin();
    const clone = await rotateAlternating(harness, harness.secretOf(login));
    modelOf(clone).barred = 18486;
    await rotateAlternating(harness, harness.secretOf(login));
    expect(modelOf(clone).barred).toBeUndefined();
  });

  it('copies what the original holds, and lets later grants and the end of denials follow', async () => {
    const login = await harness.createLogin();
    const [name, original] = [quoteIdentifier(login.username), modelOf(login)];
    Object.assign(original, {
      defaultDatabase: harness.database,
      defaultLanguage: 'Deutsch',
      policyChecked: false,
    });
    await harness.asAdmin([
      `ALTER SERVER ROLE [processadmin] ADD MEMBER ${name}`,
      `GRANT VIEW SERVER STATE TO ${name}`,
    ]);
    await harness.asAdmin(
      ['CREATE SCHEMA [sa]]les]', 'CREATE TABLE [dbo].[orders] (id int, [no te] int)'],
      harness.database,
    );
    const within = [
      `GRANT SELECT ON SCHEMA::[sa]]les] TO ${name} WITH GRANT OPTION`,
      `DENY DELETE ON OBJECT::[dbo].[orders] TO ${name}`,
      `GRANT UPDATE ([no te]) ON OBJECT::[dbo].[orders] TO ${name}`,
      `ALTER ROLE [db_datareader] ADD MEMBER ${name}`,
      `ALTER USER ${name} WITH DEFAULT_SCHEMA = [sa]]les]`,
    ];
    await harness.asAdmin(within, harness.database);
    const clone = await rotateAlternating(harness, harness.secretOf(login));
    const { roles, grants, defaultSchema } = userOf(login);
    const copied = new Set(grants);
    expect(userOf(clone)).toMatchObject({ roles, defaultSchema });
    expect(new Set(userOf(clone).grants)).toEqual(copied);
    expect(modelOf(clone)).toMatchObject({
      defaultLanguage: 'Deutsch',
      policyChecked: false,
      roles: original.roles,
    });
    expect(new Set(modelOf(clone).grants.map(({ permission }) => permission))).toContain('VIEW SERVER STATE');

    const later = [
      `GRANT EXECUTE ON SCHEMA::[dbo] TO ${name}`,
      `REVOKE DELETE ON OBJECT::[dbo].[orders] FROM ${name}`,
    ];
    await harness.asAdmin(later, harness.database);
    await rotateAlternating(harness, harness.secretOf(login));
    expect(new Set(userOf(clone).grants)).toEqual(new Set(userOf(login).grants));
  });

  it('ties the user of a restored database to the login of the clone', async () => {
    const login = await harness.createLogin();
    const orphan = quoteIdentifier(`${login.username}_clone`);
    await harness.asAdmin([`CREATE LOGIN ${orphan} WITH PASSWORD = ${quoteLiteral(randomPassword())}`]);
    await harness.asAdmin([`CREATE USER ${orphan} FOR LOGIN ${orphan}`], harness.database);
    await harness.asAdmin([`DROP LOGIN ${orphan}`]);
    const clone = await rotateAlternating(harness, harness.secretOf(login));
    expect(userOf(clone).login).toBe(clone.username);
  });
});
