import { randomBytes } from 'node:crypto';
import mysql from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeUnless } from '../../sam/tools.ts';
import { type Flavour, missingServer } from '../../support/mysql-server.ts';
import { type Login, newName, newPassword, singleTags, startWorld, type World } from './world.ts';

/** Names, hosts, settings and policies that a server allows, and that a rotation has to survive. */
describe.each(['mysql', 'mariadb'] as const)('an account of %s', (flavour: Flavour) => {
  describeUnless(missingServer(flavour), 'at a real server', () => {
    let world: World;
    beforeAll(async () => {
      world = await startWorld(flavour);
    });
    afterAll(() => world?.stop());

    const single = async (login: Login): Promise<string> =>
      world.fixture.createSecret(world.secretOf(login), {
        ...singleTags,
        'keyturn:admin': await world.adminArn(),
      });
    const pair = async (login: Login): Promise<string> =>
      world.fixture.createSecret({ ...world.secretOf(login), masterarn: await world.adminArn() });
    /** One after another, because some accounts may have only one connection. */
    const opened = async (values: readonly object[]): Promise<boolean[]> => {
      const found: boolean[] = [];
      for (const value of values) found.push(await world.opens(value));
      return found;
    };
    const run = (statement: string, ...values: unknown[]) => world.server.run(statement, values);

    const bytes = (): string => randomBytes(3).toString('hex');
    it.each([
      ['an @', 'app@shop'],
      ['the look of an account', "app'@'localhost"],
      ['a quote and a backslash', `it's \\"`],
      ['a backslash at its end', 'app\\'],
      ['a percent sign', 'app%'],
      ['a comment', 'app -- /*'],
      ['a backtick', '`app`'],
      ['letters of other scripts', 'äpp 名前'],
    ])('is rotated by itself and by turns where its name has %s', async (_what, part) => {
      const user = `${part}${part.endsWith('\\') ? '' : bytes()}`;
      const values = await world.rotateTimes(await single(await world.createUser({ user })), 2);
      expect(await opened(values)).toEqual([false, true, true]);
      const turns = await world.rotateTimes(await pair(await world.createUser({ user: `t${user}` })), 3);
      expect(turns.map(({ username }) => username)).toEqual([
        `t${user}`,
        `t${user}_clone`,
        `t${user}`,
        `t${user}_clone`,
      ]);
      expect(await opened(turns)).toEqual([false, false, true, true]);
    });

    it.each(['localhost', '127.0.0.1', '127.0.0.0/255.0.0.0', '127.%', 'LOCALHOST', 'local_ost'])(
      'is rotated by itself and by turns where its host is %s',
      async (host) => {
        const values = await world.rotateTimes(await single(await world.createUser({ host })), 2);
        expect(await opened(values)).toEqual([false, true, true]);
        const turns = await world.rotateTimes(await pair(await world.createUser({ host })), 2);
        expect(await opened(turns)).toEqual([false, true, true]);
        const [{ found } = { found: '' }] = await run(
          'SELECT Host AS found FROM mysql.user WHERE User = ?',
          turns[1]?.username,
        );
        expect(String(found)).toBe(host.toLowerCase());
      },
    );

    it('is rotated at a server of another dialect and character set', async () => {
      const settings = "SET GLOBAL sql_mode = 'NO_BACKSLASH_ESCAPES,ANSI_QUOTES,PIPES_AS_CONCAT'";
      const before = await run('SELECT @@GLOBAL.sql_mode AS mode, @@GLOBAL.character_set_client AS charset');
      await run(settings);
      await run('SET GLOBAL character_set_client = latin1');
      try {
        const password = `Aa1-p\\'"\`ä${bytes()}`;
        const first = newName();
        const own = await single(await world.createUser({ user: `ö${first}`, password }));
        expect(await opened(await world.rotateTimes(own, 2))).toEqual([false, true, true]);
        const turns = await world.rotateTimes(await pair(await world.createUser({ password })), 2);
        expect(await opened(turns)).toEqual([false, true, true]);
      } finally {
        await run('SET GLOBAL sql_mode = ?', before[0]?.mode);
        await run('SET GLOBAL character_set_client = ?', before[0]?.charset);
      }
    });

    it('is rotated where it may have only one connection at a time', async () => {
      for (const rest of ['WITH MAX_USER_CONNECTIONS 1', 'WITH MAX_USER_CONNECTIONS 2']) {
        const values = await world.rotateTimes(await single(await world.createUser({ rest })), 2);
        expect(await opened(values)).toEqual([false, true, true]);
        const turns = await world.rotateTimes(await pair(await world.createUser({ rest })), 2);
        expect(await opened(turns)).toEqual([false, true, true]);
      }
    });

    it('is left alone where it needs a certificate of its own', async () => {
      for (const rest of ['REQUIRE X509', "REQUIRE SUBJECT '/CN=app'"]) {
        const login = await world.createUser({ rest });
        const [before] = await run(
          'SELECT authentication_string AS hash FROM mysql.user WHERE User = ?',
          login.username,
        );
        const alone = await world.fixture.createSecret(world.secretOf(login), singleTags);
        expect(await world.fixture.rotate(alone)).toMatch(/NoCredentialAccepted/);
        expect(await world.fixture.rotate(await single(login))).toMatch(/AccountNotServed/);
        expect(await world.fixture.rotate(await pair(login))).toMatch(/NoCredentialAccepted/);
        expect(
          await run('SELECT authentication_string AS hash FROM mysql.user WHERE User = ?', login.username),
        ).toEqual([before]);
      }
    });

    it('ends every other password where an admin sets one', async () => {
      const login = await world.createUser();
      const [stray, lost] = [newPassword(), newPassword()];
      const keepBoth = async (password: string, other: string): Promise<void> => {
        if (flavour === 'mysql')
          await run("ALTER USER ?@'%' IDENTIFIED BY ? RETAIN CURRENT PASSWORD", login.username, password);
        else
          await run(
            "ALTER USER ?@'%' IDENTIFIED VIA mysql_native_password USING PASSWORD(?) OR mysql_native_password USING PASSWORD(?)",
            login.username,
            password,
            other,
          );
      };
      await keepBoth(stray, login.password);
      // Two users take turns. The stray password ends when its user's turn comes.
      const turns = await world.rotateTimes(await pair({ ...login, password: stray }), 2);
      expect(await opened([...turns, login])).toEqual([false, true, true, false]);

      await keepBoth(lost, String(turns[2]?.password));
      const arn = await world.fixture.createSecret(world.secretOf({ ...login, password: 'forgotten' }), {
        ...singleTags,
        'keyturn:admin': await world.adminArn(),
        'keyturn:accounts': '*',
      });
      const [, current = {}] = await world.rotateTimes(arn, 1);
      expect(await opened([current, { ...login, password: lost }, turns[2] ?? {}])).toEqual([
        true,
        false,
        false,
      ]);
    });

    it('is told of a server that lets nobody in, or takes no changes, before anything is changed', async () => {
      const login = await world.createUser();
      const [own, turns] = [await single(login), await pair(await world.createUser())];
      const switches: [string, string, RegExp][] =
        flavour === 'mysql'
          ? [
              ['SET GLOBAL super_read_only = ON', 'SET GLOBAL read_only = OFF', /TargetReadOnly/],
              ['SET GLOBAL offline_mode = ON', 'SET GLOBAL offline_mode = OFF', /TargetUnreachable/],
            ]
          : [['SET GLOBAL read_only = ON', 'SET GLOBAL read_only = OFF', /TargetReadOnly/]];
      for (const [on, off, expected] of switches) {
        await run(on);
        try {
          expect(await world.fixture.rotate(own)).toMatch(expected);
          expect(await world.fixture.rotate(turns)).toMatch(expected);
        } finally {
          await run(off);
        }
      }
      expect(await world.fixture.rotate(own)).toBeUndefined();
      expect(await world.fixture.rotate(turns)).toBeUndefined();
    });

    if (flavour === 'mysql') {
      it('is rotated below each policy of passwords and logins', async () => {
        const policies = [
          'PASSWORD HISTORY 5',
          'PASSWORD REUSE INTERVAL 365 DAY',
          'PASSWORD REQUIRE CURRENT',
          'PASSWORD EXPIRE INTERVAL 90 DAY',
          // One refused login would lock it.
          'FAILED_LOGIN_ATTEMPTS 1 PASSWORD_LOCK_TIME UNBOUNDED',
        ];
        for (const rest of policies) {
          const own = await world.createUser({ rest });
          await run("GRANT APPLICATION_PASSWORD_ADMIN ON *.* TO ?@'%'", own.username);
          const values = await world.rotateTimes(
            await world.fixture.createSecret(world.secretOf(own), singleTags),
            3,
          );
          expect([rest, ...(await opened(values.slice(2)))]).toEqual([rest, true, true]);
          const byAdmin = await world.rotateTimes(await single(await world.createUser({ rest })), 3);
          expect([rest, await world.opens(byAdmin[3] ?? {})]).toEqual([rest, true]);
          const turns = await world.rotateTimes(await pair(await world.createUser({ rest })), 3);
          expect([rest, ...(await opened(turns.slice(2)))]).toEqual([rest, true, true]);
        }
      });

      it('keeps AWSCURRENT where the policy refuses each new password', async () => {
        await run("INSTALL COMPONENT 'file://component_validate_password'");
        await run('SET GLOBAL validate_password.length = 200');
        try {
          const login = { username: newName(), password: `Aa1-${'x'.repeat(200)}` };
          await world.createUser({ user: login.username, password: login.password });
          const [own, turns] = [await single(login), await pair(login)];
          expect(await world.fixture.rotate(own)).toMatch(/PasswordRejected/);
          expect(await world.fixture.rotate(turns)).toMatch(/PasswordRejected/);
          expect(await world.opens(login)).toBe(true);
          await run('SET GLOBAL validate_password.length = 8');
          expect(await world.fixture.rotate(own)).toBeUndefined();
        } finally {
          await run("UNINSTALL COMPONENT 'file://component_validate_password'");
        }
      });

      it('locked for wrong passwords is named as that', async () => {
        const rest = 'FAILED_LOGIN_ATTEMPTS 1 PASSWORD_LOCK_TIME 1';
        const login = await world.createUser({ rest });
        expect(await world.opens({ ...login, password: 'wrong' })).toBe(false);
        expect(await world.fixture.rotate(await single(login))).toMatch(/PermissionDenied.*too many wrong/);
      });

      it('has its right by a role only where the role is active', async () => {
        const role = `keeper ${bytes()}`;
        await run('CREATE ROLE ?', role);
        await run('GRANT APPLICATION_PASSWORD_ADMIN ON *.* TO ?', role);
        for (const isActive of [false, true]) {
          const login = await world.createUser();
          await run("GRANT ? TO ?@'%'", role, login.username);
          if (isActive) await run("ALTER USER ?@'%' DEFAULT ROLE ?", login.username, role);
          const arn = await world.fixture.createSecret(world.secretOf(login), singleTags);
          expect(await world.fixture.rotate(arn, { immediately: false })).toBeUndefined();
          const said = world.fixture.recorded.notes.filter((note) => note.includes('old password')).at(-1);
          expect(said).toContain(isActive ? 'the user may have the server keep two' : 'ends with the change');
          expect(await opened(await world.rotateTimes(arn, 1))).toEqual([isActive, true]);
        }
      });

      it('passes on its partial revokes, proxies, routines, and the roles that everybody has', async () => {
        const [schema, role, target] = [`s_${bytes()}`, `everybody ${bytes()}`, await world.createUser()];
        const { host, port, admin, ca } = world.server;
        const first = await mysql.createConnection({ host, port, user: 'root', ssl: { ca } });
        await first.query("GRANT PROXY ON ''@'' TO ?@'%' WITH GRANT OPTION", [admin.username]);
        await first.end();
        await run('SET GLOBAL partial_revokes = ON');
        await run('CREATE DATABASE ??', schema);
        await run('CREATE PROCEDURE ??.p() SELECT 1', schema);
        await run('CREATE ROLE ?', role);
        await run('SET GLOBAL mandatory_roles = ?', `\`${role}\``);
        try {
          const rest = "COMMENT 'it''s \\\\ \"one\"'";
          const login = await world.createUser({ rest });
          const { username } = login;
          await run("GRANT SELECT, INSERT ON *.* TO ?@'%'", username);
          await run("REVOKE INSERT ON ??.* FROM ?@'%'", schema, username);
          await run("GRANT EXECUTE ON PROCEDURE ??.p TO ?@'%' WITH GRANT OPTION", schema, username);
          const root = await world.fixture.createSecret(world.secretOf(world.server.admin));
          await run("GRANT PROXY ON ?@'%' TO ?@'%'", target.username, username);
          const secret = { ...world.secretOf(login), masterarn: root };
          const arn = await world.fixture.createSecret(secret, { 'keyturn:accounts': '*' });
          await world.rotateTimes(arn, 1);
          const shown = async (name: string): Promise<string[]> =>
            (await run("SHOW GRANTS FOR ?@'%'", name)).map((row) =>
              String(Object.values(row)[0]).replaceAll(`\`${name}\``, 'NAME'),
            );
          expect(await shown(`${username}_clone`)).toEqual(await shown(username));
          const attributes = (name: string) =>
            run('SELECT User_attributes AS attributes FROM mysql.user WHERE User = ?', name);
          expect(await attributes(`${username}_clone`)).toEqual(await attributes(username));
          // The limit was lifted for the original, so it is lifted for the clone too.
          await run("GRANT INSERT ON ??.* TO ?@'%'", schema, username);
          await world.rotateTimes(arn, 2);
          expect(await shown(`${username}_clone`)).toEqual(await shown(username));
        } finally {
          await run("SET GLOBAL mandatory_roles = ''");
          await run('SET GLOBAL partial_revokes = OFF').catch(() => []);
        }
      });
    } else {
      it('keeps its other ways to log in, in their order, beside the two passwords', async () => {
        const ways = async (username: string): Promise<string> =>
          String(Object.values((await run("SHOW CREATE USER ?@'%'", username))[0] ?? {})[0])
            .replace(/^.* IDENTIFIED VIA /, '')
            .replaceAll(/'\*[0-9A-F]+'/g, 'HASH');
        const way = 'mysql_native_password USING';
        for (const [given, expected] of [
          ['unix_socket OR PASSWORD', `unix_socket OR ${way} HASH OR ${way} HASH`],
          ['PASSWORD OR unix_socket', `${way} HASH OR ${way} HASH OR unix_socket`],
        ] as const) {
          const login = { username: newName(), password: newPassword() };
          const identified = given.replace('PASSWORD', `${way} PASSWORD(?)`);
          await run(`CREATE USER ?@'%' IDENTIFIED VIA ${identified}`, login.username, login.password);
          const values = await world.rotateTimes(await single(login), 2);
          expect(await opened(values)).toEqual([false, true, true]);
          expect(await ways(login.username)).toBe(expected);
          const turns = await world.rotateTimes(
            await pair({ ...login, password: String(values[2]?.password) }),
            2,
          );
          expect(await opened(turns)).toEqual([false, true, true]);
          expect(await ways(login.username)).toBe(expected.replace(` OR ${way} HASH`, ''));
        }
      });

      it('is left alone where a way before its password has none, and no admin is named', async () => {
        const login = { username: newName(), password: newPassword() };
        await run(
          "CREATE USER ?@'%' IDENTIFIED VIA unix_socket OR mysql_native_password USING PASSWORD(?)",
          login.username,
          login.password,
        );
        const arn = await world.fixture.createSecret(world.secretOf(login), singleTags);
        expect(await world.fixture.rotate(arn, { immediately: false })).toMatch(
          /PreflightFailed.*unix_socket/,
        );
        expect(await world.fixture.rotate(arn)).toMatch(/PermissionDenied.*unix_socket/);
        expect(await world.opens(login)).toBe(true);
      });

      it('is left alone where it has a password of a kind that Keyturn can not set', async () => {
        await run("INSTALL SONAME 'auth_ed25519'").catch(() => []);
        const native = 'mysql_native_password USING PASSWORD(?)';
        for (const identified of [
          `${native} OR ed25519 USING PASSWORD(?)`,
          `ed25519 USING PASSWORD(?) OR ${native}`,
        ]) {
          const login = { username: newName(), password: newPassword() };
          await run(
            `CREATE USER ?@'%' IDENTIFIED VIA ${identified}`,
            login.username,
            login.password,
            login.password,
          );
          const before = await run("SHOW CREATE USER ?@'%'", login.username);
          for (const arn of [
            await single(login),
            await world.fixture.createSecret(world.secretOf(login), singleTags),
          ])
            expect(await world.fixture.rotate(arn)).toMatch(/PermissionDenied.*ed25519/);
          expect(await run("SHOW CREATE USER ?@'%'", login.username)).toEqual(before);
        }
      });
    }
  });
});
