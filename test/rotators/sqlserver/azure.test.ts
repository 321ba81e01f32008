import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sqlServer, sqlServerAlternatingUsers } from '../../../rotators/sqlserver/index.ts';
import { quoteIdentifier, quoteLiteral } from '../../../rotators/sqlserver/quoting.ts';
import type { Rotator, SecretFields, Session } from '../../../src/index.ts';
import { rotatorContext } from '../../support/postgres-fixtures.ts';
import { randomPassword } from '../../support/tds/harness.ts';
import { type StandIn, startStandIn } from '../../support/tds/server.ts';

/** Logins are in master. No session can leave its database. There are no views of the server. */
describe('Azure SQL Database', () => {
  let standIn: StandIn;
  const options = { trustServerCertificate: true };
  let count = 0;
  beforeAll(async () => {
    standIn = await startStandIn({ azure: true });
    await run('master', 'CREATE DATABASE [shop]');
  });
  afterAll(() => standIn.stop());

  const secretOf = (login: object, dbname = 'shop'): SecretFields => ({
    engine: 'sqlserver',
    host: standIn.host,
    port: standIn.port,
    dbname,
    ...login,
  });
  async function using<T, Opened extends Session>(
    rotator: Rotator<ReturnType<ReturnType<typeof sqlServer>['parse']>, Opened>,
    fields: SecretFields,
    use: (session: Opened) => Promise<T>,
  ): Promise<T> {
    const session = await rotator.open(rotator.parse(fields), rotatorContext());
    if (session === undefined) throw new Error('Refused.');
    try {
      return await use(session);
    } finally {
      await session.close();
    }
  }
  async function run(database: string, ...statements: string[]): Promise<void> {
    await using(sqlServer(options), secretOf(standIn.admin, database), async (session) => {
      for (const statement of statements) await session.query(statement);
    });
  }
  const opens = async (login: object): Promise<boolean> => {
    const rotator = sqlServer(options);
    const session = await rotator.open(rotator.parse(secretOf(login)), rotatorContext());
    await session?.close();
    return session !== undefined;
  };

  async function login(inMaster = true): Promise<{ username: string; password: string }> {
    count += 1;
    const made = { username: `app ${count}`, password: randomPassword() };
    const name = quoteIdentifier(made.username);
    await run('master', `CREATE LOGIN ${name} WITH PASSWORD = ${quoteLiteral(made.password)}`);
    if (inMaster) await run('master', `CREATE USER ${name} FOR LOGIN ${name}`);
    await run(
      'shop',
      `CREATE USER ${name} FOR LOGIN ${name}`,
      `ALTER ROLE [db_datareader] ADD MEMBER ${name}`,
    );
    return made;
  }

  async function change(fields: SecretFields, by: SecretFields = fields): Promise<string> {
    const rotator = sqlServer(options);
    const password = randomPassword();
    const current = rotator.parse(fields);
    await using(rotator, by, (session) =>
      rotator.change(
        session,
        { ...current, password },
        { ...rotatorContext(), using: rotator.parse(by), current },
      ),
    );
    return password;
  }

  async function alternate(from: SecretFields, username: string) {
    const rotator = sqlServerAlternatingUsers(options);
    const next = { ...from, username, password: randomPassword() };
    const [current, pending] = [rotator.parse(from), rotator.parse(next)];
    const admin = rotator.parse(secretOf(standIn.admin));
    const context = rotatorContext();
    const session = await rotator.open(admin, context);
    if (session === undefined) throw new Error('Refused.');
    expect(await rotator.excessRights?.(session, pending, current, context)).toEqual([]);
    await rotator.change(session, pending, { ...context, using: admin, current });
    await session.close();
    const proof = await rotator.open(pending, context);
    if (proof === undefined) throw new Error('Refused.');
    await rotator.verify?.(proof, pending, { ...context, current });
    await proof.close();
    return next;
  }

  it('has a login change its own password in master, or says that master is closed to it', async () => {
    const app = await login();
    expect(await opens({ ...app, password: await change(secretOf(app)) })).toBe(true);
    const closed = await login(false);
    await expect(change(secretOf(closed))).rejects.toMatchObject({ code: 'PermissionDenied' });
    await expect(change(secretOf(closed))).rejects.toThrow(/this account may not enter master/);
    const password = await change(secretOf({ ...closed, password: 'lost' }), secretOf(standIn.admin));
    expect([await opens({ ...closed, password }), await opens(closed)]).toEqual([true, false]);
  });

  it('alternates logins through master, with what they hold in the database', async () => {
    const app = await login(false);
    const clone = await alternate(secretOf(app), `${app.username}_clone`);
    const user = standIn.model.databases.get('shop')?.users.get(String(clone.username));
    expect(user?.roles).toEqual(new Set(['db_datareader']));
    const again = await alternate(clone, app.username);
    expect([await opens(again), await opens(clone), await opens(app)]).toEqual([true, true, false]);
  });

  it('alternates users with passwords of their own', async () => {
    const app = { username: 'contained', password: randomPassword() };
    await run('shop', `CREATE USER [contained] WITH PASSWORD = ${quoteLiteral(app.password)}`);
    const clone = await alternate(secretOf(app), 'contained_clone');
    expect([await opens(clone), await opens(app)]).toEqual([true, true]);
    expect(await opens(await alternate(clone, 'contained'))).toBe(true);
  });

  it('changes no login for whoever was a user of its name', async () => {
    const dba = await login();
    const fake = { ...dba, password: randomPassword() };
    const rotator = sqlServerAlternatingUsers(options);
    const current = rotator.parse(secretOf(fake));
    const pending = rotator.parse(secretOf({ ...fake, username: `${dba.username}_clone` }));
    const admin = rotator.parse(secretOf(standIn.admin));
    const session = await rotator.open(admin, rotatorContext());
    if (session === undefined) throw new Error('Refused.');
    const attack = rotator.change(session, pending, { ...rotatorContext(), using: admin, current });
    await expect(attack).rejects.toThrow(/of the secret is not its password/);
    await session.close();
  });

  it('names what an account may do in master', async () => {
    const app = await login();
    await run(
      'master',
      'CREATE ROLE [loginmanager]',
      `ALTER ROLE [loginmanager] ADD MEMBER ${quoteIdentifier(app.username)}`,
    );
    const rotator = sqlServer(options);
    const excess = await using(rotator, secretOf(standIn.admin), async (session) =>
      rotator.excessRights?.(session, rotator.parse(secretOf(app)), undefined, rotatorContext()),
    );
    expect(excess).toEqual(['membership in loginmanager (in master)']);
  });

  it('finds all in order in a preflight, and what is not', async () => {
    const [app, closed, weak] = [await login(), await login(false), await login()];
    await run('shop', `ALTER ROLE [db_owner] ADD MEMBER ${quoteIdentifier(weak.username)}`);
    const look = async (
      rotator: ReturnType<typeof sqlServer> | ReturnType<typeof sqlServerAlternatingUsers>,
      fields: SecretFields,
      by?: SecretFields,
    ) => {
      const context = rotatorContext();
      const parse = sqlServerAlternatingUsers().parse;
      const session = await rotator.open(parse(fields), context);
      const admin = by === undefined ? undefined : await rotator.open(parse(by), context);
      if (session === undefined) throw new Error('Refused.');
      const findings = await rotator.preflight?.(session, parse(fields), admin, context);
      await Promise.all([session.close(), admin?.close()]);
      return findings?.filter(({ ok }) => !ok).map(({ check }) => check);
    };
    const [single, alternating] = [sqlServer(options), sqlServerAlternatingUsers(options)];
    const admin = secretOf(standIn.admin);
    expect(await look(single, secretOf(app))).toEqual([]);
    expect(await look(single, secretOf(app), admin)).toEqual([]);
    expect(await look(alternating, secretOf(app), admin)).toEqual([]);
    expect(await look(single, secretOf(closed))).toEqual(['account']);
    expect(await look(single, secretOf(closed), admin)).toEqual([]);
    expect(await look(single, secretOf(app), secretOf(weak))).toEqual(['admin rights']);
    await expect(change(secretOf({ ...app, password: 'lost' }), secretOf(weak))).rejects.toThrow();
  });
});
