import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AlternatingCredential } from '../../rotators/postgres/credential.ts';
import { postgresAlternatingUsers } from '../../rotators/postgres/index.ts';
import { quoteIdentifier } from '../../rotators/postgres/quoting.ts';
import type { PostgresSession } from '../../rotators/postgres/session.ts';
import type { Rotator } from '../../src/index.ts';
import {
  adminSecret,
  asAdmin,
  canLogIn,
  createLogin,
  loginOf,
  secretOf,
  serverLog,
  sharedOptions,
  uniqueName,
} from '../support/postgres-fixtures.ts';
import { failOnce, type RotationFixture, startFixture } from '../support/rotation-fixture.ts';

describe('rotating alternating users', () => {
  let fixture: RotationFixture;
  let masterarn: string;
  beforeAll(async () => {
    fixture = await startFixture();
    masterarn = await fixture.createSecret(adminSecret());
  });
  afterAll(() => fixture.close());

  it('takes 8 calls and 3 logins, none refused, and AWSCURRENT works all along', async () => {
    const login = await createLogin();
    const arn = await fixture.createSecret({ ...secretOf(login), masterarn });
    fixture.calls.length = 0;
    expect(await fixture.rotate(arn)).toBeUndefined();
    expect(fixture.calls).toHaveLength(8);
    const reports = fixture.recorded.reports.slice(-4);
    expect(reports.map(({ outcome }) => outcome)).toEqual(['stored', 'changed', 'verified', 'current']);
    expect(reports.reduce((sum, { logins }) => sum + logins, 0)).toBe(3);
    expect(await serverLog()).not.toContain(`password authentication failed for user "${login.username}`);

    const rotated = await fixture.read(arn);
    expect(rotated).toEqual({
      ...secretOf(login),
      masterarn,
      username: `${login.username}_clone`,
      password: rotated.password,
    });
    expect([await canLogIn(loginOf(rotated)), await canLogIn(login)]).toEqual([true, true]);
  });

  it('comes back to the first user, whose old password is refused from then on', async () => {
    const login = await createLogin();
    const arn = await fixture.createSecret({ ...secretOf(login), masterarn });
    expect(await fixture.rotate(arn)).toBeUndefined();
    const second = await fixture.read(arn);
    expect(await fixture.rotate(arn)).toBeUndefined();
    const third = await fixture.read(arn);
    expect(third.username).toBe(login.username);
    expect([await canLogIn(loginOf(third)), await canLogIn(loginOf(second)), await canLogIn(login)]).toEqual([
      true,
      true,
      false,
    ]);
  });

  it('heals after a lost move when somebody cleared AWSPENDING', async () => {
    const login = await createLogin();
    const arn = await fixture.createSecret({ ...secretOf(login), masterarn });
    failOnce(fixture.functionClient, 'UpdateSecretVersionStage', 'before');
    expect(await fixture.rotate(arn)).toMatch(/was lost/);
    expect(await canLogIn(loginOf(await fixture.read(arn)))).toBe(true);
    await fixture.clearPending(arn);
    expect(await fixture.rotate(arn)).toBeUndefined();
    expect(await canLogIn(loginOf(await fixture.read(arn)))).toBe(true);
  });

  it('does not have the admin change the user of a secret whose credential was never accepted', async () => {
    const victim = await createLogin('victim');
    const arn = await fixture.createSecret({ ...secretOf({ ...victim, password: 'guessed' }), masterarn });
    expect(await fixture.rotate(arn)).toMatch(/^NoCredentialAccepted/);
    expect(await canLogIn(victim)).toBe(true);
    const made = await asAdmin((client) =>
      client.query('SELECT FROM pg_roles WHERE rolname = $1', [`${victim.username}_clone`]),
    );
    expect(made.rowCount).toBe(0);
  });

  it('says that passwords have expired, which the server does not tell the user', async () => {
    const login = await createLogin();
    const arn = await fixture.createSecret({ ...secretOf(login), masterarn });
    await asAdmin((client) =>
      client.query(`ALTER ROLE ${quoteIdentifier(login.username)} VALID UNTIL '2020-01-01'`),
    );
    const reason = `passwords of ${login.username} were valid until 2020-01-01`;
    expect(await fixture.rotate(arn, { immediately: false })).toContain(reason);
    const error = await fixture.rotate(arn);
    expect(error).toMatch(/^PermissionDenied: /);
    expect(error).toContain(reason);
  });

  it('closes the session that it had opened for the admin, when no credential is accepted', async () => {
    const rotator = postgresAlternatingUsers(sharedOptions());
    const open = new Set<string>();
    const opened: string[] = [];
    const watched: Rotator<AlternatingCredential, PostgresSession> = {
      ...rotator,
      open: async (credential, context) => {
        const session = await rotator.open(credential, context);
        if (session === undefined) return undefined;
        opened.push(credential.username);
        open.add(credential.username);
        const close = async (): Promise<void> => {
          await session.close();
          open.delete(credential.username);
        };
        return { ...session, close };
      },
    };
    const other = await startFixture({ rotators: [watched] });
    try {
      const secret = { ...secretOf(await createLogin()), password: 'guessed' };
      const admin = await other.createSecret(adminSecret());
      const arn = await other.createSecret({ ...secret, masterarn: admin });
      expect(await other.rotate(arn)).toMatch(/^NoCredentialAccepted/);
      expect(opened).toEqual([adminSecret().username]);
      expect([...open]).toEqual([]);
    } finally {
      await other.close();
    }
  });

  it('takes over a clone of AWS’s template that owns objects, once AWSPREVIOUS has proved it', async () => {
    const original = await createLogin();
    const clone = { username: `${original.username}_clone`, password: original.password };
    const [from, to] = [original, clone].map(({ username }) => quoteIdentifier(username));
    const table = quoteIdentifier(uniqueName('made'));
    await asAdmin((client) =>
      client.query(
        `CREATE ROLE ${to} WITH LOGIN PASSWORD '${clone.password}'; GRANT ${from} TO ${to};
         CREATE TABLE ${table} (); ALTER TABLE ${table} OWNER TO ${to}`,
      ),
    );
    const arn = await fixture.createSecret({ ...secretOf(clone), masterarn });
    await fixture.put(arn, { ...secretOf(original), masterarn });
    expect(await fixture.rotate(arn)).toBeUndefined();
    expect(await fixture.read(arn)).toMatchObject({ username: clone.username });

    const stranger = await createLogin();
    const other = quoteIdentifier(`${stranger.username}_clone`);
    await asAdmin((client) =>
      client.query(
        `CREATE ROLE ${other} WITH LOGIN; GRANT ${quoteIdentifier(stranger.username)} TO ${other};
         CREATE TABLE ${quoteIdentifier(uniqueName('theirs'))} (); REASSIGN OWNED BY ${to} TO ${other}`,
      ),
    );
    await asAdmin((client) => client.query(`ALTER TABLE ${table} OWNER TO ${other}`));
    const grabbing = await fixture.createSecret({ ...secretOf(stranger), masterarn });
    expect(await fixture.rotate(grabbing)).toMatch(/^RightsExceeded: .*ownership of table/);
  });

  it('does not promote a user that lacks a privilege of the other', async () => {
    const [one, other] = [await createLogin(), await createLogin()];
    const table = quoteIdentifier(uniqueName('invoices'));
    await asAdmin((client) =>
      client.query(`CREATE TABLE ${table} (); GRANT SELECT ON ${table} TO ${quoteIdentifier(one.username)}`),
    );
    const serving = await fixture.createSecret({ ...adminSecret(), serves: { '*': [other.username] } });
    const arn = await fixture.createSecret({
      ...secretOf(one),
      masterarn: serving,
      alternatingusers: [one.username, other.username],
    });
    expect(await fixture.rotate(arn)).toMatch(/^PrivilegesMissing: .*SELECT on table/);
    expect(await fixture.read(arn)).toMatchObject({ username: one.username });
    await asAdmin((client) => client.query(`GRANT SELECT ON ${table} TO ${quoteIdentifier(other.username)}`));
    expect(await fixture.rotate(arn)).toBeUndefined();
    expect(await fixture.read(arn)).toMatchObject({ username: other.username });
  });

  it('finds in a preflight that the admin lacks rights', async () => {
    const [login, weak] = [await createLogin(), await createLogin('weak admin')];
    const weakArn = await fixture.createSecret(secretOf(weak));
    const arn = await fixture.createSecret({ ...secretOf(login), masterarn: weakArn });
    expect(await fixture.rotate(arn, { immediately: false })).toMatch(
      /^PreflightFailed: .*admin rights: needs CREATEROLE/,
    );
    const good = await fixture.createSecret({ ...secretOf(login), masterarn });
    expect(await fixture.rotate(good, { immediately: false })).toBeUndefined();
  });

  it('names a refused admin, a missing admin secret, and an admin of another server', async () => {
    const login = await createLogin();
    const secretWith = (admin: string | undefined) =>
      fixture.createSecret(
        { ...secretOf(login), masterarn: admin },
        { 'keyturn:rotator': 'postgres-alternating-users' },
      );
    const refused = await fixture.createSecret({ ...adminSecret(), password: 'wrong' });
    expect(await fixture.rotate(await secretWith(refused))).toMatch(/^AdminRefused/);
    expect(await fixture.rotate(await secretWith(undefined))).toMatch(/^AdminSecretMissing: .*masterarn/);
    const elsewhere = await fixture.createSecret({ ...adminSecret(), host: 'db.example.com' });
    expect(await fixture.rotate(await secretWith(elsewhere))).toMatch(/^AdminServerDiffers/);
    expect(
      await fixture.rotate(
        await secretWith('arn:aws:secretsmanager:us-east-1:123456789012:secret:none-AbCdEf'),
      ),
    ).toMatch(/^SecretNotFound/);
    expect(await canLogIn(login)).toBe(true);
  });
});
