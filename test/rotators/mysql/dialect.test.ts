import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { requireNewServer } from '../../../rotators/mysql/accounts.ts';
import { classify, explainLogin } from '../../../rotators/mysql/classify.ts';
import { grantStatement, readAttributes, readGrant, readWays } from '../../../rotators/mysql/grants.ts';
import { mysql, mysqlAlternatingUsers } from '../../../rotators/mysql/index.ts';
import { nativeHash } from '../../../rotators/mysql/password.ts';
import { parseAccount, quoteAccount, quoteLiteral } from '../../../rotators/mysql/quoting.ts';
import { administrativeRights, escapedRestrictions, missingRights } from '../../../rotators/mysql/rights.ts';

const failed = (errno: number, message = 'refused') => Object.assign(new Error(message), { errno });

describe('the errors of MySQL and MariaDB', () => {
  it.each([
    [1819, 'PasswordRejected'],
    [3638, 'PasswordRejected'],
    [1396, 'AccountMissing'],
    [1227, 'PermissionDenied'],
    [1142, 'PermissionDenied'],
    [3118, 'PermissionDenied'],
    [1862, 'PermissionDenied'],
    [1040, 'TargetBusy'],
    [1203, 'TargetBusy'],
    [1205, 'TargetBusy'],
    [1213, 'TargetBusy'],
    [1836, 'TargetReadOnly'],
    [1053, 'TargetUnreachable'],
    [1129, 'TargetUnreachable'],
    [3032, 'TargetUnreachable'],
    [9999, undefined],
  ])('takes %i for %s', (errno, expected) => {
    expect(classify(failed(errno), 'change')).toBe(expected);
  });

  it('takes 1290 for what its words say', () => {
    const running = (option: string) => `The MySQL server is running with the ${option} option so it cannot`;
    expect(classify(failed(1290, running('--super-read-only')), 'change')).toBe('TargetReadOnly');
    expect(classify(failed(1290, running('--skip-grant-tables')), 'change')).toBe('PermissionDenied');
  });

  it('knows lost connections and rejected certificates of the driver', () => {
    const lost = Object.assign(new Error('Connection lost'), { code: 'PROTOCOL_CONNECTION_LOST' });
    expect(classify(lost, 'change')).toBe('TargetUnreachable');
    const tls = (message: string) => Object.assign(new Error(message), { code: 'HANDSHAKE_SSL_ERROR' });
    expect(classify(tls('self-signed certificate'), 'open')).toBe('CertificateRejected');
    expect(classify(tls('read ECONNRESET'), 'open')).toBe('TargetUnreachable');
  });

  it.each([
    ['Server requests authentication using unknown plugin client_ed25519. See', 'client_ed25519'],
    ['Server requests authentication using unknown plugin parsec. See', 'parsec'],
    ['Server requests authentication using unknown plugin dialog. See', 'dialog'],
  ])('names the plugin in: %s', (message, plugin) => {
    expect(explainLogin(new Error(message), 'app')?.message).toContain(plugin);
  });

  it('says that a server is too old for two passwords', () => {
    const server = (version: string) => () =>
      requireNewServer({
        version,
        isMariaDb: /mariadb/i.test(version),
        account: { user: 'a', host: '%' },
        readOnly: false,
      });
    for (const old of ['5.7.44-log', '8.0.13', '8.0.11-TiDB-v7.5.0', '10.3.39-MariaDB', 'unknown'])
      expect(server(old)).toThrow(/is the oldest that is rotated/);
    for (const known of ['8.0.14', '8.0.35', '8.4.5', '9.7.4-2', '10.4.0-MariaDB', '11.8.2-MariaDB-log'])
      expect(server(known)).not.toThrow();
  });
});

describe('the dialect of MySQL', () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 40 }).filter((each) => !each.includes('\0'));

  it('quotes texts so that they end where they should, with backslashes as escapes and without', () => {
    fc.assert(
      fc.property(text, (value) => {
        const quoted = quoteLiteral(value);
        const inner = quoted.slice(1, -1);
        expect(inner.replace(/\\(.)|''/gsu, (_all, escaped: string | undefined) => escaped ?? "'")).toBe(
          value,
        );
        // NO_BACKSLASH_ESCAPES: no quote stands alone.
        expect(inner.replaceAll("''", '')).not.toContain("'");
      }),
    );
    expect(() => quoteLiteral('a\0')).toThrow(RangeError);
  });

  it('reads accounts whose names have an @', () => {
    fc.assert(
      fc.property(text, fc.constantFrom('%', '10.%', 'localhost', '::1'), (user, host) => {
        expect(parseAccount(`${user}@${host}`)).toEqual({ user, host });
      }),
    );
    expect(quoteAccount({ user: `it's`, host: '%' })).toBe(`'it''s'@'%'`);
  });

  it('hashes as mysql_native_password does', () => {
    expect(nativeHash('password')).toBe('*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19');
  });

  const account = { user: `new "one"`, host: '10.%' };
  it.each([
    ['GRANT USAGE ON *.* TO `a`@`%`', []],
    [
      'GRANT SELECT, UPDATE ON *.* TO `a`@`%` WITH GRANT OPTION',
      ['SELECT ON *.*', 'UPDATE ON *.*', 'GRANT OPTION ON *.*'],
    ],
    [
      'GRANT SELECT (`a`, `b, c`), INSERT ON `d`.`t` TO `a`@`%`',
      ['SELECT (`a`) ON `d`.`t`', 'SELECT (`b, c`) ON `d`.`t`', 'INSERT ON `d`.`t`'],
    ],
    ['GRANT EXECUTE ON PROCEDURE `d`.`p TO x` TO `a`@`%`', ['EXECUTE ON PROCEDURE `d`.`p TO x`']],
    ['REVOKE SELECT ON `mysql`.* FROM `a`@`%`', ['the restriction SELECT ON `mysql`.*']],
    [
      'GRANT `r1`@`%`,`r2`@`%` TO `a`@`%` WITH ADMIN OPTION',
      [
        'the role `r1`@`%`',
        'administration of the role `r1`@`%`',
        'the role `r2`@`%`',
        'administration of the role `r2`@`%`',
      ],
    ],
    ['GRANT PROXY ON ``@`` TO `a`@`%`', ['PROXY ON ``@``']],
    [
      "GRANT USAGE ON *.* TO `a`@`%` IDENTIFIED BY PASSWORD '*2470' REQUIRE SSL WITH GRANT OPTION MAX_USER_CONNECTIONS 5",
      ['GRANT OPTION ON *.*'],
    ],
    ['SET DEFAULT ROLE `r` FOR `a`@`%`', ['DEFAULT ROLE `r`']],
  ])('reads %s', (line, entries) => {
    const grant = readGrant(line);
    expect(grant.entries).toEqual(entries);
    const said = grantStatement(grant, account);
    expect(said).toContain(quoteAccount(account));
    expect(said).not.toMatch(/IDENTIFIED|MAX_USER/);
  });

  it('executes no text that only looks like a grant', () => {
    expect(() => readGrant('GRANT SELECT ON *.* TO `a`@`%`; DROP USER root')).toThrow(/not known here/);
    expect(() => readGrant('DROP USER `a`')).toThrow(/not known here/);
    expect(
      grantStatement(
        readGrant(
          'GRANT SELECT ON `x` TO `y`@`%`; --`.* TO `a`@`%`'.replace(
            '` TO `y`@`%`; --',
            '``; DROP USER x; --',
          ),
        ),
        account,
      ),
    ).toBe("GRANT SELECT ON `x``; DROP USER x; --`.* TO 'new \"one\"'@'10.%'");
  });

  it('reads what an account is besides its password', () => {
    const shown =
      "CREATE USER `a WITH REQUIRE`@`%` IDENTIFIED WITH 'caching_sha2_password' AS 0x2441 DEFAULT ROLE `r1`@`%` REQUIRE SSL WITH MAX_USER_CONNECTIONS 5 PASSWORD EXPIRE INTERVAL 90 DAY ACCOUNT UNLOCK PASSWORD HISTORY DEFAULT PASSWORD REUSE INTERVAL DEFAULT PASSWORD REQUIRE CURRENT DEFAULT ATTRIBUTE '{\"comment\": \"it\\'s\"}'";
    expect(readAttributes(shown)).toEqual({
      defaultRoles: '`r1`@`%`',
      settings: shown.slice(shown.indexOf('REQUIRE SSL')),
    });
    expect(readAttributes("CREATE USER `a`@`%` IDENTIFIED BY PASSWORD '*2470' ACCOUNT LOCK").settings).toBe(
      'REQUIRE NONE WITH MAX_QUERIES_PER_HOUR 0 MAX_UPDATES_PER_HOUR 0 MAX_CONNECTIONS_PER_HOUR 0 MAX_USER_CONNECTIONS 0 ACCOUNT LOCK',
    );
    expect(
      readAttributes(
        "CREATE USER `a`@`%` IDENTIFIED VIA mysql_native_password USING '*1' OR unix_socket REQUIRE X509 WITH MAX_USER_CONNECTIONS 2",
      ).settings,
    ).toBe('REQUIRE X509 WITH MAX_USER_CONNECTIONS 2');
    const ways = (statement: string): string[] => readWays(statement).map(({ text }) => text);
    expect(ways("CREATE USER `a IDENTIFIED VIA pam`@`%` IDENTIFIED BY PASSWORD '*1'")).toEqual([
      'mysql_native_password',
    ]);
    expect(
      ways(
        "CREATE USER `a`@`%` IDENTIFIED VIA unix_socket OR mysql_native_password USING '*1' OR pam USING 'it\\'s OR' REQUIRE SSL",
      ),
    ).toEqual(['unix_socket', "mysql_native_password USING '*1'", "pam USING 'it\\'s OR'"]);
  });

  it('compares what two accounts may do', () => {
    const held = (...entries: string[]) => new Set(entries);
    expect(missingRights(held('SELECT ON `d`.`t`'), held('SELECT ON `d`.*'))).toEqual([]);
    expect(missingRights(held('SELECT (`a`) ON `d`.`t`'), held('SELECT ON *.*'))).toEqual([]);
    expect(
      missingRights(held('SELECT ON `d`.*'), held('SELECT ON *.*', 'the restriction SELECT ON `d`.*')),
    ).toEqual(['SELECT ON `d`.*']);
    const restricted = ['the restriction SELECT ON `d`.*', 'the restriction INSERT ON `d`.*'];
    expect(escapedRestrictions(restricted, held())).toEqual([]);
    expect(escapedRestrictions(restricted, held('INSERT ON *.*', 'SELECT ON `e`.*'))).toEqual([
      restricted[1],
    ]);
    expect(escapedRestrictions(restricted, held('ALL PRIVILEGES ON *.*', restricted[0] ?? ''))).toEqual([
      restricted[1],
    ]);
    expect(missingRights(held('GRANT OPTION ON *.*'), held('ALL PRIVILEGES ON *.*'))).toEqual([
      'GRANT OPTION ON *.*',
    ]);
    expect(missingRights(held('PROXY ON ``@``'), held('ALL PRIVILEGES ON *.*'))).toEqual(['PROXY ON ``@``']);
    expect(
      administrativeRights(
        held('PROCESS ON *.*', 'SELECT ON `shop`.*', 'SUPER ON *.*', 'UPDATE ON `mysql`.`user`'),
      ),
    ).toEqual(['SUPER ON *.*', 'UPDATE ON `mysql`.`user`']);
    const patterns = ['%', 'm%', 'mysq_', '%y%', 'MYSQL', '_ys'];
    const reaching = patterns.map((schema) => `UPDATE ON \`${schema}\`.*`);
    expect(administrativeRights(reaching)).toEqual(reaching);
    expect(
      administrativeRights(['UPDATE ON `mysq\\_`.*', 'UPDATE ON `my`.*', 'UPDATE ON `mysq_`.`user`']),
    ).toEqual([]);
    expect(administrativeRights(['EXECUTE ON PACKAGE BODY `sys`.`x`'])).toEqual([
      'EXECUTE ON PACKAGE BODY `sys`.`x`',
    ]);
  });
});

describe('the secrets of MySQL and MariaDB', () => {
  const secret = { engine: 'mysql', host: 'db.example.com', username: 'app', password: 'x' };

  it('reads the structure of AWS', () => {
    const rotator = mysql();
    expect(rotator.target(rotator.parse({ ...secret, port: '3307', dbname: 'shop' }))).toEqual({
      host: 'db.example.com',
      port: 3307,
      database: 'shop',
      account: 'app',
    });
    expect(rotator.target(rotator.parse({ ...secret, host: '[::1]:3308' }))).toMatchObject({
      host: '::1',
      port: 3308,
    });
    expect(rotator.engines).toEqual(['mysql', 'aurora-mysql', 'mariadb']);
  });

  it.each([
    ['engine', { engine: 'postgres' }],
    ['host', { host: '/var/run/mysqld.sock' }],
    ['host', { host: 'db:3306', port: 3307 }],
    ['username', { username: 'app ' }],
    ['username', { username: 'a\u{1f511}' }],
    ['username', { username: 'x'.repeat(81) }],
    ['password', { password: 'a\0b' }],
    ['dbname', { dbname: 'x'.repeat(65) }],
    ['ssl', { ssl: 'maybe' }],
  ])('refuses a wrong %s: %j', (field, wrong) => {
    expect(() => mysql().parse({ ...secret, ...wrong })).toThrow(
      expect.objectContaining({ code: 'InvalidSecretField', field }),
    );
  });

  it("takes names of two users as long as the engine, or AWS's variable, lets them be", () => {
    const of = (username: string, engine: string, limit?: number) =>
      mysqlAlternatingUsers(limit === undefined ? {} : { usernameCharacterLimit: limit }).parse({
        ...secret,
        engine,
        username,
      });
    expect(of('x'.repeat(26), 'mysql').pair.alternate).toBe(`${'x'.repeat(26)}_clone`);
    expect(() => of('x'.repeat(27), 'mysql')).toThrow(/_clone/);
    expect(of('x'.repeat(74), 'mariadb').pair.alternate).toHaveLength(80);
    expect(() => of('x'.repeat(11), 'mysql', 16)).toThrow(/_clone/);
  });
});
