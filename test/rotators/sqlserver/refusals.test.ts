import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { actAsOwnerStatement } from '../../../rotators/sqlserver/catalogue.ts';
import { sqlServer } from '../../../rotators/sqlserver/index.ts';
import { quoteIdentifier } from '../../../rotators/sqlserver/quoting.ts';
import { rotatorContext } from '../../support/postgres-fixtures.ts';
import { randomPassword, standInHarness, type TestLogin } from '../../support/tds/harness.ts';

const strong = `N'Strong-password-1'`;
const long = 'x'.repeat(129);

/** Statements that a SQL Server refuses, in which database of the stand-in, and by whom; sa if nobody is named. */
const refused: readonly (readonly [
  number,
  string,
  ('master' | 'shop' | 'contained' | 'frozen')?,
  ('weak' | 'owner')?,
])[] = [
  [102, 'DROP TABLE everything'],
  [102, 'CREATE USER [u] FOR LOGIN [spare] WITH DEFAULT_LANGUAGE = [Deutsch]', 'shop'],
  [103, `CREATE LOGIN [${long}] WITH PASSWORD = ${strong}`],
  [911, 'USE [nowhere]'],
  [916, 'USE [shop]', 'master', 'weak'],
  [1020, 'GRANT DELETE ([id]) ON OBJECT::[dbo].[orders] TO [app]', 'shop'],
  [1020, 'GRANT SELECT ([id]) ON SCHEMA::[dbo] TO [app]', 'shop'],
  [1911, 'GRANT SELECT ([nothing]) ON OBJECT::[dbo].[orders] TO [app]', 'shop'],
  [2760, 'CREATE TABLE [nowhere].[t] (id int)', 'shop'],
  [3906, 'CREATE USER [spare] FOR LOGIN [spare]', 'frozen'],
  [4606, 'GRANT IMPERSONATE ON OBJECT::[dbo].[orders] TO [app]', 'shop'],
  [4606, 'GRANT SELECT ON LOGIN::[app] TO [spare]'],
  [4611, 'REVOKE SELECT ON OBJECT::[dbo].[orders] FROM [app]', 'shop'],
  [4611, 'DENY SELECT ON OBJECT::[dbo].[orders] TO [app]', 'shop'],
  [4621, 'GRANT ALTER ANY LOGIN TO [app]', 'shop'],
  [4624, 'GRANT SELECT ON SCHEMA::[dbo] TO [dbo]', 'shop'],
  [4624, 'GRANT ALTER ANY LOGIN TO [sa]'],
  [4624, 'GRANT SELECT ON SCHEMA::[dbo] TO [owner]', 'shop', 'owner'],
  [12824, 'CREATE DATABASE [c] CONTAINMENT = PARTIAL'],
  [15006, `CREATE LOGIN [DOMAIN\\app] WITH PASSWORD = ${strong}`],
  [15006, 'CREATE USER [DOMAIN\\app] FOR LOGIN [spare]', 'shop'],
  [15007, 'CREATE USER [u] FOR LOGIN [nobody]', 'shop'],
  [15007, 'ALTER USER [app] WITH LOGIN = [nobody]', 'shop'],
  [15010, `CREATE LOGIN [l] WITH PASSWORD = ${strong}, DEFAULT_DATABASE = [nowhere]`],
  [15010, 'ALTER LOGIN [app] WITH DEFAULT_DATABASE = [nowhere]'],
  [15023, 'CREATE USER [app] FOR LOGIN [spare]', 'shop'],
  [15023, 'CREATE USER [guest] FOR LOGIN [spare]', 'shop'],
  [15023, 'CREATE USER [db_owner] FOR LOGIN [spare]', 'shop'],
  [15025, `CREATE LOGIN [app] WITH PASSWORD = ${strong}`],
  [15025, `CREATE LOGIN [sa] WITH PASSWORD = ${strong}`],
  [15025, `CREATE LOGIN [sysadmin] WITH PASSWORD = ${strong}`],
  [15033, `CREATE LOGIN [l] WITH PASSWORD = ${strong}, DEFAULT_LANGUAGE = [Klingon]`],
  [15063, 'CREATE USER [second] FOR LOGIN [app]', 'shop'],
  [15115, `ALTER LOGIN [used] WITH PASSWORD = ${strong}`],
  [15116, `CREATE LOGIN [l] WITH PASSWORD = N'Aa1!'`],
  [15117, `CREATE LOGIN [l] WITH PASSWORD = N'Aa1!${long}'`],
  [15118, `CREATE LOGIN [l] WITH PASSWORD = N'onlysmallletters'`],
  [15118, `CREATE LOGIN [l] WITH PASSWORD = N'Пароль1Пароль'`],
  [15118, `CREATE LOGIN [longname] WITH PASSWORD = N'Longname-1'`],
  [15118, `ALTER USER [inside] WITH PASSWORD = N'onlysmallletters'`, 'contained'],
  [15122, `CREATE LOGIN [l] WITH PASSWORD = ${strong}, CHECK_EXPIRATION = ON, CHECK_POLICY = OFF`],
  [15128, `ALTER LOGIN [app] WITH PASSWORD = N'Another-1' MUST_CHANGE, CHECK_POLICY = ON`],
  [15151, `ALTER LOGIN [nobody] WITH PASSWORD = ${strong}`],
  [15151, `ALTER LOGIN [weak] WITH PASSWORD = ${strong}`, 'master', 'weak'],
  [15151, `ALTER LOGIN [weak] WITH PASSWORD = ${strong} OLD_PASSWORD = N'wrong'`, 'master', 'weak'],
  [15151, `ALTER LOGIN [app] WITH PASSWORD = ${strong}`, 'master', 'weak'],
  [15151, `ALTER LOGIN [sa] WITH PASSWORD = ${strong}`, 'master', 'owner'],
  [15151, 'ALTER ROLE [no role] ADD MEMBER [app]', 'shop'],
  [15151, 'ALTER ROLE [db_datareader] ADD MEMBER [nobody]', 'shop'],
  [15151, 'ALTER SERVER ROLE [no role] ADD MEMBER [app]'],
  [15151, 'GRANT SELECT ON OBJECT::[dbo].[nothing] TO [app]', 'shop'],
  [15151, 'GRANT SELECT ON SCHEMA::[nowhere] TO [app]', 'shop'],
  [15151, 'GRANT CONNECT ON DATABASE::[master] TO [app]', 'shop'],
  [15151, 'GRANT SELECT ON SCHEMA::[dbo] TO [nobody]', 'shop'],
  [15174, 'DROP LOGIN [landlord]'],
  [15247, `CREATE LOGIN [l] WITH PASSWORD = ${strong}`, 'master', 'weak'],
  [15247, 'CREATE USER [u] FOR LOGIN [spare]', 'master', 'weak'],
  [15405, 'CREATE USER [u] FOR LOGIN [sa]', 'shop'],
  [15405, 'ALTER ROLE [db_owner] ADD MEMBER [dbo]', 'shop'],
  [15405, `CREATE LOGIN [public] WITH PASSWORD = ${strong}`],
  [15433, `CREATE LOGIN [l] WITH PASSWORD = ${strong}, SID = 0x${'AB'.repeat(16)}`],
  [15517, actAsOwnerStatement, 'master', 'weak'],
  [15517, actAsOwnerStatement, 'contained'],
  [15591, 'DECLARE @cookie varbinary(100) = 0x00; REVERT WITH COOKIE = @cookie', 'shop'],
  [33233, `CREATE USER [u] WITH PASSWORD = ${strong}`, 'shop'],
  [33234, `ALTER USER [app] WITH PASSWORD = ${strong}`, 'shop'],
];

/** Refusals of logins and of calls. They have their own tests, below and in connection.test.ts. */
const elsewhere = [4060, 15590, 18456, 18470, 18486, 18487, 18488];

describe('what the stand-in for SQL Server refuses', () => {
  let harness: Awaited<ReturnType<typeof standInHarness>>;
  const logins = new Map<string, TestLogin>();
  beforeAll(async () => {
    harness = await standInHarness();
    for (const username of ['app', 'weak', 'owner', 'spare', 'landlord', 'used']) {
      const password = randomPassword();
      logins.set(username, { username, password });
      await harness.asAdmin([`CREATE LOGIN ${quoteIdentifier(username)} WITH PASSWORD = N'${password}'`]);
    }
    await harness.asAdmin([
      `CREATE LOGIN [numbered] WITH PASSWORD = ${strong}, SID = 0x${'AB'.repeat(16)}`,
      'CREATE DATABASE [shop]',
      'CREATE DATABASE [let]',
      'CREATE DATABASE [frozen]',
      'ALTER DATABASE [frozen] SET READ_ONLY',
      'ALTER AUTHORIZATION ON DATABASE::[let] TO [landlord]',
      'GRANT ALTER ANY LOGIN TO [owner]',
      `ALTER LOGIN [used] WITH PASSWORD = ${strong}`,
      `ALTER LOGIN [used] WITH PASSWORD = N'Another-password-1'`,
    ]);
    await harness.asAdmin(
      [
        'CREATE TABLE [dbo].[orders] (id int, note int)',
        'CREATE USER [app] FOR LOGIN [app]',
        'CREATE USER [owner] FOR LOGIN [owner]',
        'ALTER ROLE [db_owner] ADD MEMBER [owner]',
        'GRANT SELECT ON OBJECT::[dbo].[orders] TO [app] WITH GRANT OPTION',
      ],
      'shop',
    );
    const { model } = harness.standIn;
    model.containedAuthentication = true;
    await harness.asAdmin(['CREATE DATABASE [contained] CONTAINMENT = PARTIAL']);
    await harness.asAdmin([`CREATE USER [inside] WITH PASSWORD = ${strong}`], 'contained');
    model.containedAuthentication = false;
    // A database that was restored from elsewhere.
    await harness.asAdmin(['ALTER AUTHORIZATION ON DATABASE::[contained] TO [gone]']);
  });
  afterAll(() => harness.stop());

  const cases = refused.map(([number, statement, database = 'master', who]) => ({
    number,
    statement,
    database,
    who,
  }));
  it.each(cases)('$number: $statement', async ({ number, statement, database, who }) => {
    const login = who === undefined ? harness.standIn.admin : logins.get(who);
    if (login === undefined) throw new Error('No such login.');
    await expect(harness.as(login, [statement], database)).rejects.toMatchObject({ number });
  });

  it('15590: a cookie in a call', async () => {
    const rotator = sqlServer(harness.options);
    const session = await rotator.open(rotator.parse(harness.adminSecret()), rotatorContext());
    await expect(session?.query(actAsOwnerStatement, { username: 'dbo' })).rejects.toMatchObject({
      number: 15590,
    });
    await session?.close();
  });

  it('lists each of them with a link, and no other', () => {
    const page = readFileSync(new URL('../../support/tds/README.md', import.meta.url), 'utf8');
    const rows = [
      ...page.matchAll(/^\| ([\d, ]+) \| .* \| \[.*\]\(https:\/\/learn\.microsoft\.com\/.*\) \|$/gm),
    ];
    const listed = rows.flatMap(([, numbers = '']) => numbers.split(', ').map(Number));
    const tested = new Set([...refused.map(([number]) => number), ...elsewhere]);
    expect(listed).toEqual([...tested].sort((one, other) => one - other));
  });
});
