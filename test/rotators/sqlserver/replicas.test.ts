import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { sqlServer, sqlServerAlternatingUsers } from '../../../rotators/sqlserver/index.ts';
import { quoteIdentifier, quoteLiteral } from '../../../rotators/sqlserver/quoting.ts';
import type { SecretFields } from '../../../src/index.ts';
import { rotatorContext } from '../../support/postgres-fixtures.ts';
import { randomPassword } from '../../support/tds/harness.ts';
import { type StandIn, startStandIn } from '../../support/tds/server.ts';

/**
 * Two servers with a database of the same users, like the replicas of an availability group. Each has its own logins.
 * The first one is also the listener, which routes logins with read-only intent to the second.
 */
describe('the replicas of an availability group', () => {
  const running: StandIn[] = [];
  let primary: StandIn;
  let secondary: StandIn;
  const app = { username: 'app', password: randomPassword() };

  beforeEach(async () => {
    await stop();
    secondary = await startStandIn();
    primary = await startStandIn({ secondary: () => secondary });
    running.push(primary, secondary);
    const sid = `0x${'AB'.repeat(16)}`;
    for (const server of running) {
      const session = await open(server, secretOf(server, server.admin, 'master'));
      const name = quoteIdentifier(app.username);
      for (const statement of [
        `CREATE LOGIN ${name} WITH PASSWORD = ${quoteLiteral(app.password)}, SID = ${sid}`,
        'CREATE DATABASE [shop]',
        'USE [shop]',
        `CREATE USER ${name} FOR LOGIN ${name}`,
      ])
        await session.query(statement);
      await session.close();
    }
  });
  const stop = async (): Promise<void> => {
    for (const one of running.splice(0)) await one.stop();
  };
  afterAll(stop);

  const options = { trustServerCertificate: true };
  const secretOf = (server: StandIn, login: object, dbname = 'shop'): SecretFields => ({
    engine: 'sqlserver',
    host: server.host,
    port: server.port,
    dbname,
    ...login,
  });
  async function open(_server: StandIn, fields: SecretFields) {
    const rotator = sqlServer(options);
    const session = await rotator.open(rotator.parse(fields), rotatorContext());
    if (session === undefined) throw new Error('Refused.');
    return session;
  }
  const names = () => [`${secondary.host},${secondary.port}`];
  const admin = (more: object = {}) => ({ ...secretOf(primary, primary.admin), ...more });

  /** One change, by the account or by the admin. @returns the new password */
  async function change(fields: SecretFields, by: SecretFields = fields, password = randomPassword()) {
    const rotator = sqlServer(options);
    const context = rotatorContext();
    const [current, using] = [rotator.parse(fields), rotator.parse(by)];
    const session = await rotator.open(using, context);
    if (session === undefined) throw new Error('Refused.');
    try {
      await rotator.change(session, { ...current, password }, { ...context, using, current });
    } finally {
      await session.close();
    }
    return password;
  }
  const passwords = (name = 'app') =>
    [primary, secondary].map(({ model }) => model.logins.get(name)?.password);

  it('are asked for where an application reads from one, before anything is changed', async () => {
    const secret = { ...secretOf(primary, app), applicationintent: 'ReadOnly' };
    await expect(change(secret)).rejects.toMatchObject({ code: 'TargetReadOnly', field: 'replicas' });
    await expect(change(secret)).rejects.toThrow(secondary.model.serverName);
    expect(passwords()).toEqual([app.password, app.password]);
  });

  it('are not asked for where the secret says that there are none, or where no listener leads elsewhere', async () => {
    const password = await change({ ...secretOf(primary, app), applicationintent: 'ReadOnly', replicas: [] });
    expect(passwords()).toEqual([password, app.password]);
    const there = await change({ ...secretOf(secondary, app), applicationintent: 'ReadOnly' });
    expect(passwords()).toEqual([password, there]);
  });

  it('get the password that the primary gets, and go on by themselves after a change that was cut off', async () => {
    const secret = { ...secretOf(primary, app), applicationintent: 'ReadOnly', replicas: names() };
    const password = await change(secret);
    expect(passwords()).toEqual([password, password]);

    // The replica was changed, the primary was not.
    const next = randomPassword();
    const login = secondary.model.logins.get('app');
    if (login !== undefined) login.password = next;
    await change({ ...secret, password }, { ...secret, password }, next);
    expect(passwords()).toEqual([next, next]);
  });

  it('that refuse the old password and the new one are named, and the primary keeps the old one', async () => {
    const login = secondary.model.logins.get('app');
    if (login !== undefined) login.password = 'Set-by-somebody-1';
    const secret = { ...secretOf(primary, app), replicas: names() };
    await expect(change(secret)).rejects.toMatchObject({ code: 'NoCredentialAccepted' });
    await expect(change(secret)).rejects.toThrow(names()[0]);
    expect(passwords()).toEqual([app.password, 'Set-by-somebody-1']);
    // The admin sets it on both.
    const password = await change({ ...secret, password: 'lost' }, admin({ replicas: names() }));
    expect(passwords()).toEqual([password, password]);
  });

  it('get no password of the admin that the admin secret does not name', async () => {
    const secret = { ...secretOf(primary, { ...app, password: 'lost' }), replicas: names() };
    await expect(change(secret, admin())).rejects.toMatchObject({ code: 'AdminServerDiffers' });
    expect(secondary.logins.filter(({ username }) => username === 'sa')).toHaveLength(1);
    expect(passwords()).toEqual([app.password, app.password]);
  });

  it('get the clone with the same SID and password, and the way back', async () => {
    const rotator = sqlServerAlternatingUsers(options);
    const context = rotatorContext();
    const using = rotator.parse(admin({ replicas: names() }));
    const rotate = async (from: SecretFields, username: string) => {
      const current = rotator.parse(from);
      const next = { ...from, username, password: randomPassword() };
      const session = await rotator.open(using, context);
      if (session === undefined) throw new Error('Refused.');
      await rotator.change(session, rotator.parse(next), { ...context, using, current });
      await session.close();
      return next;
    };
    const clone = await rotate({ ...secretOf(primary, app), replicas: names() }, 'app_clone');
    expect(passwords('app_clone')).toEqual([clone.password, clone.password]);
    const sids = [primary, secondary].map(({ model }) => model.logins.get('app_clone')?.sid);
    expect(sids[0]).toBe(sids[1]);
    const again = await rotate(clone, 'app');
    expect(passwords()).toEqual([again.password, again.password]);

    // A login that somebody has made by hand on one server has another SID, so it is not the same user in the databases.
    secondary.model.logins.delete('app_clone');
    const session = await open(secondary, secretOf(secondary, secondary.admin, 'master'));
    await session.query(`CREATE LOGIN [app_clone] WITH PASSWORD = ${quoteLiteral(randomPassword())}`);
    await session.close();
    await expect(rotate(again, 'app_clone')).rejects.toThrow(/another SID on .*SID = 0x/s);
  });

  it.each([['db'], [['db', 1]], [['np:db']], [Array.from({ length: 9 }, (_, index) => `db${index}`)]])(
    'are refused in the form of %j',
    (replicas) => {
      expect(() => sqlServer().parse({ ...secretOf(primary, app), replicas })).toThrow(
        expect.objectContaining({ code: 'InvalidSecretField', field: 'replicas' }),
      );
    },
  );

  it('belong to what a credential opens', () => {
    const rotator = sqlServer();
    const target = rotator.target(rotator.parse({ ...secretOf(primary, app), replicas: ['A', 'b\\X'] }));
    expect(target.endpoints).toEqual(['a,1433', 'b\\x']);
  });
});
