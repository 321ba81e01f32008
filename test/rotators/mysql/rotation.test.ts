import { randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import mysql from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mysqlAlternatingUsers, mysql as mysqlRotator } from '../../../rotators/mysql/index.ts';
import { createMysqlPool } from '../../../src/client/index.ts';
import type { SecretFields } from '../../../src/index.ts';
import { startApplication, underLoad } from '../../client/support/world.ts';
import { describeUnless } from '../../sam/tools.ts';
import { type Flavour, type MysqlServer, missingServer, startMysql } from '../../support/mysql-server.ts';
import { type RotationFixture, startFixture } from '../../support/rotation-fixture.ts';

const newName = (): string => `app ${randomBytes(4).toString('hex')}`;
const newPassword = (): string => `Aa1'"\\${randomBytes(12).toString('hex')}`;

describe.each(['mysql', 'mariadb'] as const)('rotations at a real %s', (flavour: Flavour) => {
  describeUnless(missingServer(flavour), 'server', () => {
    let server: MysqlServer;
    let fixture: RotationFixture;
    beforeAll(async () => {
      const logs = ['--general-log=1', '--general-log-file=GENERAL_LOG', '--log-bin=binlog'];
      server = await startMysql(flavour, flavour === 'mysql' ? logs : [...logs, '--plugin-maturity=unknown']);
      const options = { ca: () => server.ca };
      fixture = await startFixture({ rotators: [mysqlRotator(options), mysqlAlternatingUsers(options)] });
    });
    afterAll(async () => {
      await fixture?.close();
      await server?.stop();
    });

    const opens = async ({ username, password }: SecretFields): Promise<boolean> => {
      const { host, port, ca } = server;
      try {
        const connection = await mysql.createConnection({
          host,
          port,
          user: String(username),
          password: String(password),
          ssl: { ca },
        });
        await connection.end();
        return true;
      } catch {
        return false;
      }
    };
    const secretOf = (login: SecretFields): SecretFields => ({
      engine: flavour,
      host: server.host,
      port: server.port,
      ...login,
    });
    const adminArn = (): Promise<string> => fixture.createSecret(secretOf(server.admin));

    async function createUser(host = '%', rest = ''): Promise<{ username: string; password: string }> {
      const [username, password] = [newName(), newPassword()];
      await server.run(`CREATE USER ?@? IDENTIFIED BY ? ${rest}`, [username, host, password]);
      return { username, password };
    }

    const singleTags = { 'keyturn:rotator': 'mysql' };
    /** All values of the secret, the oldest first. */
    async function rotateTimes(arn: string, times: number): Promise<SecretFields[]> {
      const values = [await fixture.read(arn)];
      for (let time = 0; time < times; time += 1) {
        expect(await fixture.rotate(arn)).toBeUndefined();
        values.push(await fixture.read(arn));
      }
      return values;
    }
    const gapsOf = () =>
      fixture.recorded.reports.flatMap(({ gapMs }) => (gapMs === undefined ? [] : [gapMs]));

    it('keeps the old password until the next rotation, where an admin is named', async () => {
      const login = await createUser();
      const tags = { ...singleTags, 'keyturn:admin': await adminArn() };
      const arn = await fixture.createSecret(secretOf(login), tags);
      const values = await rotateTimes(arn, 3);
      expect(await Promise.all(values.map(opens))).toEqual([false, false, true, true]);
    });

    it('moves AWSCURRENT at once where nobody may have two passwords kept, and says so', async () => {
      const arn = await fixture.createSecret(secretOf(await createUser()), singleTags);
      const before = gapsOf().length;
      const values = await rotateTimes(arn, 2);
      expect(await Promise.all(values.map(opens))).toEqual([false, false, true]);
      expect(gapsOf().length - before).toBe(2);
      expect(fixture.recorded.notes.at(-1)).toContain('the old one ends with the change');
    });

    it('keeps AWSCURRENT openable where an interrupted rotation has set a password that no label holds', async () => {
      const login = await createUser();
      if (flavour === 'mysql')
        await server.run("GRANT APPLICATION_PASSWORD_ADMIN ON *.* TO ?@'%'", [login.username]);
      const tags = { ...singleTags, 'keyturn:admin': await adminArn() };
      const arn = await fixture.createSecret(secretOf(login), tags);
      const keep =
        flavour === 'mysql'
          ? "ALTER USER ?@'%' IDENTIFIED BY ? RETAIN CURRENT PASSWORD"
          : "ALTER USER ?@'%' IDENTIFIED VIA mysql_native_password USING PASSWORD(?) OR mysql_native_password USING PASSWORD(?)";
      const lost = newPassword();
      await server.run(keep, [login.username, lost, login.password]);
      expect(await opens(login)).toBe(true);
      const values = await rotateTimes(arn, 1);
      expect(await Promise.all([...values, { ...login, password: lost }].map(opens))).toEqual([
        true,
        true,
        false,
      ]);
    });

    it('takes what is proven where AWSCURRENT is refused', async () => {
      const login = await createUser();
      const tags = { ...singleTags, 'keyturn:admin': await adminArn(), 'keyturn:accounts': 'app*' };
      const arn = await fixture.createSecret(secretOf({ ...login, password: 'lost' }), {
        ...tags,
        'keyturn:accounts': '*',
      });
      const [, current] = await rotateTimes(arn, 1);
      expect(await opens(current ?? {})).toBe(true);
    });

    it('never drops the password of AWSCURRENT when the same change is made again and again', async () => {
      const login = await createUser();
      const next = { ...login, password: newPassword() };
      const rotator = mysqlRotator({ ca: () => server.ca });
      const [from, to] = [login, next].map((each) => rotator.parse(secretOf(each)));
      if (from === undefined || to === undefined) throw new Error('There are two.');
      const context = { signal: new AbortController().signal, note: () => undefined };
      const admin = await rotator.open(rotator.parse(secretOf(server.admin)), context);
      for (const using of [from, from, to, from, to]) {
        const session = await rotator.open(using, context);
        if (session === undefined) throw new Error('It is refused.');
        await rotator.change(session, to, { ...context, using, current: from, admin: async () => admin });
        await session.close();
        if (using === from) expect(await opens(login)).toBe(true);
        expect(await opens(next)).toBe(true);
      }
      await admin?.close();
    });

    it('shows no password in any log of the server', async () => {
      const login = await createUser('%', '');
      const tags = { ...singleTags, 'keyturn:admin': await adminArn() };
      const arn = await fixture.createSecret(secretOf(login), tags);
      const passwords = (await rotateTimes(arn, 2)).slice(1).map(({ password }) => String(password));
      const clone = await createUser();
      const pair = await fixture.createSecret({ ...secretOf(clone), masterarn: await adminArn() });
      passwords.push(...(await rotateTimes(pair, 2)).slice(1).map(({ password }) => String(password)));
      const files = (await readdir(server.data)).filter((name) => name.startsWith('binlog'));
      const logs = [server.generalLog, server.logFile, ...files.map((name) => join(server.data, name))];
      for (const log of logs) {
        const text = await readFile(log, 'latin1');
        for (const password of passwords) expect(text.includes(password)).toBe(false);
      }
      const history = await server
        .run('SELECT SQL_TEXT AS text FROM performance_schema.events_statements_history_long')
        .catch(() => []);
      for (const { text } of history)
        for (const password of passwords) expect(String(text)).not.toContain(password);
    });

    it('changes the account that the server has matched, where a name exists for several hosts', async () => {
      const login = await createUser('%');
      const other = { username: login.username, password: newPassword() };
      await server.run("CREATE USER ?@'10.%' IDENTIFIED BY ?", [other.username, other.password]);
      const own = await fixture.createSecret(secretOf(login), {
        ...singleTags,
        'keyturn:admin': await adminArn(),
      });
      const [, current] = await rotateTimes(own, 1);
      expect(await opens(current ?? {})).toBe(true);
      const hosts = await server.run('SELECT Host AS host FROM mysql.user WHERE User = ? ORDER BY 1', [
        login.username,
      ]);
      expect(hosts.map(({ host }) => host)).toEqual(['%', '10.%']);
      const lost = await fixture.createSecret(secretOf({ ...login, password: 'lost' }), {
        ...singleTags,
        'keyturn:admin': await adminArn(),
        'keyturn:accounts': '*',
      });
      expect(await fixture.rotate(lost)).toMatch(/PermissionDenied.*several accounts of that name/);
    });

    it('has two users take turns, and a clone that may do what the original may', async () => {
      const login = await createUser('%', 'REQUIRE SSL WITH MAX_USER_CONNECTIONS 50');
      const { username } = login;
      const [schema, role] = [`it's ${username}`, `role ${randomBytes(3).toString('hex')}`];
      await server.run('CREATE DATABASE ??', [schema]);
      await server.run('CREATE TABLE ??.t (a INT, b INT)', [schema]);
      await server.run('CREATE ROLE ?', [role]);
      await server.run('GRANT SELECT ON ??.* TO ?', [schema, role]);
      await server.run("GRANT ? TO ?@'%'", [role, username]);
      await server.run(
        flavour === 'mysql' ? "ALTER USER ?@'%' DEFAULT ROLE ?" : "SET DEFAULT ROLE ? FOR ?@'%'",
        flavour === 'mysql' ? [username, role] : [role, username],
      );
      await server.run("GRANT INSERT (a), UPDATE ON ??.t TO ?@'%' WITH GRANT OPTION", [schema, username]);
      if (flavour === 'mysql') await server.run("GRANT BACKUP_ADMIN ON *.* TO ?@'%'", [username]);
      const arn = await fixture.createSecret({ ...secretOf(login), masterarn: await adminArn() });
      const values = await rotateTimes(arn, 1);
      await server.run("GRANT DELETE ON ??.t TO ?@'%'", [schema, username]);
      values.push(...(await rotateTimes(arn, 2)).slice(1));
      expect(values.map((value) => value.username)).toEqual([
        username,
        `${username}_clone`,
        username,
        `${username}_clone`,
      ]);
      expect(await Promise.all(values.map(opens))).toEqual([false, false, true, true]);
      const shown = async (name: string): Promise<string[]> =>
        (await server.run("SHOW GRANTS FOR ?@'%'", [name]))
          .map((row) =>
            String(Object.values(row)[0])
              .replaceAll(`\`${name}\``, 'NAME')
              .replace(/IDENTIFIED .*?'\*[0-9A-F]+'/, ''),
          )
          .sort();
      expect(await shown(`${username}_clone`)).toEqual(await shown(username));
      const created = async (name: string): Promise<string> =>
        Object.values((await server.run("SHOW CREATE USER ?@'%'", [name]))[0] ?? {})
          .map(String)
          .join()
          .replaceAll(`\`${name}\``, 'NAME')
          .replace(/ (AS|BY PASSWORD|USING) ('(?:[^'\\]|\\.)*')/s, '');
      expect(await created(`${username}_clone`)).toBe(await created(username));
    });

    it('refuses a named second user that may do less', async () => {
      const [one, other] = [await createUser(), await createUser()];
      await server.run("GRANT CREATE ON *.* TO ?@'%'", [one.username]);
      const arn = await fixture.createSecret(
        { ...secretOf(one), masterarn: await adminArn(), alternatingusers: [one.username, other.username] },
        { 'keyturn:accounts': '*' },
      );
      expect(await fixture.rotate(arn)).toMatch(/PrivilegesMissing.*CREATE ON \*\.\*/);
    });

    it('resets no lost account that may do what no application may', async () => {
      const login = await createUser();
      await server.run("GRANT CREATE USER ON *.* TO ?@'%'", [login.username]);
      const arn = await fixture.createSecret(secretOf({ ...login, password: 'lost' }), {
        ...singleTags,
        'keyturn:admin': await adminArn(),
        'keyturn:accounts': '*',
      });
      expect(await fixture.rotate(arn)).toMatch(/RightsExceeded.*CREATE USER/);
      expect(await opens(login)).toBe(true);
    });

    it("resets no lost account whose rights for schemas by a pattern reach the server's own", async () => {
      const login = await createUser();
      await server.run("GRANT SELECT, INSERT, UPDATE, DELETE ON `%`.* TO ?@'%'", [login.username]);
      const { host, port, ca } = server;
      const place = { host, port, user: login.username, password: login.password, ssl: { ca } };
      const connection = await mysql.createConnection(place);
      const table = flavour === 'mysql' ? 'mysql.user' : 'mysql.global_priv';
      await connection.query(`DELETE FROM ${table} WHERE User = 'nobody by this name'`);
      await connection.end();
      const arn = await fixture.createSecret(secretOf({ ...login, password: 'lost' }), {
        ...singleTags,
        'keyturn:admin': await adminArn(),
        'keyturn:accounts': '*',
      });
      expect(await fixture.rotate(arn)).toMatch(/RightsExceeded.*UPDATE ON `%`/);
      expect(await opens(login)).toBe(true);
    });

    it('changes nothing of an account that can not be rotated, and says why', async () => {
      const locked = await createUser('%', 'ACCOUNT LOCK');
      const arn = await fixture.createSecret(secretOf(locked), singleTags);
      expect(await fixture.rotate(arn)).toMatch(/PermissionDenied.*locked/);
      const missing = { username: newName(), password: newPassword() };
      expect(await fixture.rotate(await fixture.createSecret(secretOf(missing), singleTags))).toMatch(
        /NoCredentialAccepted/,
      );
      const expired = await createUser();
      await server.run("ALTER USER ?@'%' PASSWORD EXPIRE", [expired.username]);
      const ofExpired = await fixture.createSecret(secretOf(expired), singleTags);
      expect(await fixture.rotate(ofExpired)).toMatch(/NoCredentialAccepted/);
      const noSchema = await fixture.createSecret(
        secretOf({ ...(await createUser()), dbname: 'nowhere' }),
        singleTags,
      );
      expect(await fixture.rotate(noSchema)).toMatch(
        /PermissionDenied.*(may not use the database|no such database)/,
      );
    });

    it('changes nothing at a server that takes no changes', async () => {
      const arn = await fixture.createSecret(secretOf(await createUser()), singleTags);
      await server.run('SET GLOBAL read_only = ON');
      try {
        expect(await fixture.rotate(arn)).toMatch(/TargetReadOnly/);
      } finally {
        await server.run('SET GLOBAL read_only = OFF');
      }
      expect(await fixture.rotate(arn)).toBeUndefined();
    });

    it('never changes an account of another name that a login was matched to', async () => {
      const password = newPassword();
      await server.run("CREATE USER ''@'%' IDENTIFIED BY ?", [password]);
      try {
        const ghost = { username: newName(), password };
        expect(await opens(ghost)).toBe(true);
        const tags = { ...singleTags, 'keyturn:admin': await adminArn(), 'keyturn:accounts': '*' };
        const arn = await fixture.createSecret(secretOf(ghost), tags);
        expect(await fixture.rotate(arn)).toMatch(/PermissionDenied.*another account/);
        expect(await opens(ghost)).toBe(true);
      } finally {
        await server.run("DROP USER ''@'%'");
      }
    });

    it("gives nobody another account's clone for the password of an anonymous account", async () => {
      const victim = await createUser();
      const password = newPassword();
      // The server compares hosts first. This account matches every login from here, unless another has a host as exact.
      await server.run("CREATE USER ''@'localhost' IDENTIFIED BY ?", [password]);
      try {
        const forged = { ...victim, password };
        expect([await opens(forged), await opens(victim)]).toEqual([true, false]);
        const arn = await fixture.createSecret({ ...secretOf(forged), masterarn: await adminArn() });
        expect(await fixture.rotate(arn)).toMatch(/PermissionDenied.*another account/);
        const made = await server.run('SELECT User FROM mysql.user WHERE User = ?', [
          `${victim.username}_clone`,
        ]);
        expect(made).toEqual([]);
      } finally {
        await server.run("DROP USER ''@'localhost'");
      }
      expect(await opens(victim)).toBe(true);
    });

    it('takes no role for an account', async () => {
      const login = await createUser();
      if (flavour === 'mariadb') await server.run('CREATE ROLE ?', [login.username]);
      const arn = await fixture.createSecret(secretOf({ ...login, password: 'lost' }), {
        ...singleTags,
        'keyturn:admin': await adminArn(),
        'keyturn:accounts': '*',
      });
      const [, current] = await rotateTimes(arn, 1);
      expect(await opens(current ?? {})).toBe(true);
    });

    it('refuses an account that logs in by a plugin which keeps no password', async () => {
      const username = newName();
      const plugin = flavour === 'mysql' ? "IDENTIFIED WITH 'auth_socket'" : 'IDENTIFIED VIA unix_socket';
      if (flavour === 'mysql')
        await server.run("INSTALL PLUGIN auth_socket SONAME 'auth_socket.so'").catch(() => []);
      await server.run(`CREATE USER ?@'%' ${plugin}`, [username]);
      const arn = await fixture.createSecret(secretOf({ username, password: 'x' }), {
        ...singleTags,
        'keyturn:admin': await adminArn(),
        'keyturn:accounts': '*',
      });
      expect(await fixture.rotate(arn)).toMatch(/PermissionDenied.*(socket|no password)/);
    });

    it('ends the old password at once where that is configured', async () => {
      const options = { ca: () => server.ca, revocation: 'at-once' } as const;
      const own = await startFixture({ rotators: [mysqlRotator(options)] });
      try {
        const login = await createUser();
        const arn = await own.createSecret(secretOf(login), {
          ...singleTags,
          'keyturn:admin': await adminArnAt(own),
        });
        expect(await own.rotate(arn)).toBeUndefined();
        const current = await own.read(arn);
        expect([await opens(login), await opens(current)]).toEqual([false, true]);
      } finally {
        await own.close();
      }
    });
    const adminArnAt = (at: RotationFixture): Promise<string> => at.createSecret(secretOf(server.admin));

    it('sends no password without TLS to an account that needs it, and none to a server that proves nothing', async () => {
      const login = await createUser();
      const plain = await fixture.createSecret({ ...secretOf(login), ssl: false }, singleTags);
      const other = mysqlRotator();
      const context = { signal: new AbortController().signal, note: () => undefined };
      if (flavour === 'mysql') expect(await fixture.rotate(plain)).toMatch(/TlsUnavailable/);
      await expect(other.open(other.parse(secretOf(login)), context)).rejects.toSatisfy(
        (error) => other.classify?.(error, 'open') === 'CertificateRejected',
      );
      const byAddress = mysqlRotator({ ca: () => server.ca });
      await expect(
        byAddress.open(byAddress.parse({ ...secretOf(login), host: '127.0.0.1' }), context),
      ).rejects.toSatisfy((error) => byAddress.classify?.(error, 'open') === 'CertificateRejected');
      const named = byAddress.parse({ ...secretOf(login), host: '127.0.0.1', sslservername: 'localhost' });
      const session = await byAddress.open(named, context);
      expect(session?.encrypted).toBe(true);
      await session?.close();
    });

    it.each([
      [
        'a URL',
        (at: string, user: string, password: string) =>
          `${flavour}://${user}:${password}@${at}/shop?charset=utf8mb4`,
      ],
      [
        'a JDBC URL',
        (at: string, user: string, password: string) =>
          `jdbc:${flavour}://${at}/shop?user=${user}&password=${password}&sslMode=${flavour === 'mysql' ? 'VERIFY_IDENTITY' : 'verify-full'}`,
      ],
      [
        'an ADO.NET string of MySqlConnector',
        (at: string, user: string, password: string) =>
          `Server=${at.split(':')[0]};Port=${at.split(':')[1]};Database=shop;Uid=${user};Pwd=${password};SslMode=VerifyFull`,
      ],
      [
        'an ODBC string',
        (at: string, user: string, password: string) =>
          `Driver={MySQL ODBC 9.0 Unicode Driver};SERVER=${at.split(':')[0]};Port=${at.split(':')[1]};Database=shop;Uid=${user};Pwd=${password}`,
      ],
    ])('rotates what is kept as %s, in place', async (_form, write) => {
      await server.run('CREATE DATABASE IF NOT EXISTS shop');
      const [username, password] = [`app${randomBytes(4).toString('hex')}`, randomBytes(9).toString('hex')];
      await server.run("CREATE USER ?@'%' IDENTIFIED BY ?", [username, password]);
      await server.run("GRANT SELECT ON shop.* TO ?@'%'", [username]);
      const before = write(`${server.host}:${server.port}`, username, password);
      const arn = await fixture.createSecret(before, singleTags);
      const [, current] = await rotateTimes(arn, 1);
      expect(await opens(current ?? {})).toBe(true);
      const [head = '', tail = ''] = before.split(password);
      const after = await fixture.text(arn);
      expect(after.startsWith(head) && after.endsWith(tail)).toBe(true);
    });

    it('serves a pool of mysql2 through rotations, and nobody notices', async () => {
      const login = await createUser();
      const arn = await fixture.createSecret(secretOf(login), {
        ...singleTags,
        'keyturn:admin': await adminArn(),
      });
      const application = startApplication(fixture, arn);
      const ssl = { ca: server.ca };
      const pool = await createMysqlPool(mysql.createPool, application.secret, { connectionLimit: 10, ssl });
      const { done, errors } = await underLoad(
        10,
        async () => {
          const connection = await pool.getConnection();
          await connection.query('SELECT 1');
          // There are logins all the time.
          if (Math.random() < 0.3) connection.destroy();
          else connection.release();
        },
        async () => {
          for (let time = 0; time < 4; time += 1) expect(await fixture.rotate(arn)).toBeUndefined();
        },
      );
      await pool.end();
      application.close();
      expect(errors).toEqual([]);
      expect(done).toBeGreaterThan(10);
      expect(application.count('refusal-stayed')).toBe(0);
    });

    it('says before the first rotation which way it will take', async () => {
      const login = await createUser();
      const arn = await fixture.createSecret(secretOf(login), singleTags);
      expect(await fixture.rotate(arn, { immediately: false })).toBeUndefined();
      const said = () => fixture.recorded.notes.filter((note) => note.includes('old password')).at(-1);
      expect(said()).toContain('ends with the change');
      const withAdmin = await fixture.createSecret(secretOf(login), {
        ...singleTags,
        'keyturn:admin': await adminArn(),
      });
      expect(await fixture.rotate(withAdmin, { immediately: false })).toBeUndefined();
      expect(said()).toContain('the admin has the server keep two');
      if (flavour === 'mariadb') return;
      await server.run("GRANT APPLICATION_PASSWORD_ADMIN ON *.* TO ?@'%'", [login.username]);
      expect(await fixture.rotate(arn, { immediately: false })).toBeUndefined();
      expect(said()).toContain('the user may have the server keep two');
    });
  });
});
