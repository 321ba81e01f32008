import { CreateSecretCommand } from '@aws-sdk/client-secrets-manager';
import mssql from 'mssql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sqlServer, sqlServerAlternatingUsers } from '../../rotators/sqlserver/index.ts';
import { loginOf } from '../support/postgres-fixtures.ts';
import { type RotationFixture, startFixture } from '../support/rotation-fixture.ts';
import { hostileNames, hostilePasswords, standInHarness, type TestLogin } from '../support/tds/harness.ts';

/** The secret that Keyturn was made for, at the stand-in for SQL Server. */
describe('dev/MyTestConnectionString/SqlServer', () => {
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

  /** The string, with the login at the two places that `{user}` and `{password}` mark. */
  const connectionString = (user: string, password: string): string => {
    const { host, port } = harness.secretOf({ username: '', password: '' });
    return `server = tcp:${host},${port};Initial Catalog=${harness.database}; User ID=${user};PWD = ${password} ;ApplicationIntent=ReadWrite;;Encrypt=True;App='a;b'`;
  };
  const quoted = (value: string): string => `"${value.replaceAll('"', '""')}"`;
  const loginIn = (text: string): TestLogin => {
    const { user = '', password = '' } = mssql.ConnectionPool.parseConnectionString(text);
    return { username: user, password };
  };

  it('is rotated as the plain text that it is, and changes in nothing but the password', async () => {
    const login = await harness.createLogin();
    const before = connectionString(quoted(login.username), quoted(login.password));
    const { ARN: arn = '' } = await fixture.client.send(
      new CreateSecretCommand({ Name: 'dev/MyTestConnectionString/SqlServer', SecretString: before }),
    );
    expect(await fixture.rotate(arn)).toBeUndefined();
    const after = await fixture.text(arn);
    const rotated = loginIn(after);
    expect(rotated.username).toBe(login.username);
    expect(rotated.password).not.toBe(login.password);
    const mask = (text: string): string =>
      text.replace(/PWD = .*? ;ApplicationIntent/, 'PWD = **** ;ApplicationIntent');
    expect(mask(after)).toBe(mask(before));
    expect([await harness.canLogIn(rotated), await harness.canLogIn(login)]).toEqual([true, false]);
  });

  it.each(hostileNames.map((name, index) => [name, hostilePasswords[index] ?? '']))(
    'alternates users with the name %j and the password %j',
    async (name, password) => {
      const login = await harness.createLogin(name, `${password} 1`);
      const admin = await fixture.createSecret(harness.adminSecret());
      const before = connectionString(quoted(login.username), quoted(login.password));
      const arn = await fixture.createSecret(before, { 'keyturn:admin': admin });
      expect(await fixture.rotate(arn)).toBeUndefined();
      // Not with `mssql`: it takes the text before a backslash as a Windows domain.
      const clone = loginOf(await fixture.read(arn));
      expect(clone.username).toBe(`${login.username}_clone`);
      expect([await harness.canLogIn(clone), await harness.canLogIn(login)]).toEqual([true, true]);
    },
  );
});
