import { GetSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import mssql from 'mssql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sqlServer, sqlServerAlternatingUsers } from '../../rotators/sqlserver/index.ts';
import { readDocument } from '../../src/index.ts';
import { loginOf } from '../support/postgres-fixtures.ts';
import { type RotationFixture, startFixture } from '../support/rotation-fixture.ts';
import { hostileNames, hostilePasswords, standInHarness, type TestLogin } from '../support/tds/harness.ts';

interface Place {
  readonly host: unknown;
  readonly port: unknown;
  readonly dbname: unknown;
}

/** A secret's form: how a login is written in it, and what reads it at the end. */
interface Form {
  readonly name: string;
  write(login: TestLogin, place: Place): string;
  read(text: string): TestLogin;
}

const inQuotes = (value: string): string => `"${value.replaceAll('"', '""')}"`;
const inBraces = (value: string): string => `{${value.replaceAll('}', '}}')}}`;

/** With the parser of `mssql`. It takes the text before a backslash as a domain. */
function byMssql(text: string): TestLogin {
  const { user, password, domain } = mssql.ConnectionPool.parseConnectionString(text);
  return { username: [domain, user].filter(Boolean).join('\\'), password: password ?? '' };
}

const byKeyturn = (text: string): TestLogin => loginOf(readDocument(text).fields);

const forms: readonly Form[] = [
  {
    name: 'an ADO.NET string',
    write: ({ username, password }, { host, port, dbname }) =>
      `SERVER=tcp:${host},${port}; Initial Catalog = ${dbname};user id=${inQuotes(username)};PWD=${inQuotes(password)};Application Name='a;b';`,
    read: byMssql,
  },
  {
    name: 'an ODBC string',
    write: ({ username, password }, { host, port, dbname }) =>
      `Driver={ODBC Driver 18 for SQL Server};Server=${host},${port};Database=${dbname};UID=${inBraces(username)};PWD=${inBraces(password)}`,
    read: byMssql,
  },
  {
    name: 'a JDBC URL',
    write: ({ username, password }, { host, port, dbname }) =>
      `jdbc:sqlserver://${host}:${port};databaseName=${dbname};user=${inBraces(username)};password=${inBraces(password)};loginTimeout=30;`,
    read: byKeyturn,
  },
  {
    name: 'a sqlserver:// URL',
    write: ({ username, password }, { host, port, dbname }) =>
      `sqlserver://${encodeURIComponent(username)}:${encodeURIComponent(password)}@${host}:${port}?database=${dbname}&app+name=a`,
    read: byKeyturn,
  },
];

/** The text without the credential, for comparing what must not change. */
function frame(text: string): string {
  return readDocument(text).write({ username: 'U', password: 'P' });
}

describe.each(forms)('rotating $name, against the stand-in', (form) => {
  let harness: Awaited<ReturnType<typeof standInHarness>>;
  let fixture: RotationFixture;
  let next = 0;
  beforeAll(async () => {
    harness = await standInHarness();
    const password = (): string => hostilePasswords[next++ % hostilePasswords.length] ?? '';
    const [single, alternating] = [sqlServer(harness.options), sqlServerAlternatingUsers(harness.options)];
    fixture = await startFixture({
      rotators: [
        { ...single, generate: async () => ({ password: password() }) },
        {
          ...alternating,
          generate: async (...asked: Parameters<typeof alternating.generate>) => ({
            ...(await alternating.generate(...asked)),
            password: password(),
          }),
        },
      ],
    });
  });
  afterAll(async () => {
    await fixture?.close();
    await harness?.stop();
  });

  const write = (login: TestLogin, database?: string): string => {
    const { host, port, dbname } = harness.secretOf(login, database);
    return form.write(login, { host, port, dbname });
  };
  const textOf = async (SecretId: string): Promise<string> =>
    (await fixture.client.send(new GetSecretValueCommand({ SecretId }))).SecretString ?? '';

  it('changes the password and nothing else, whatever characters it has', async () => {
    let login = await harness.createLogin();
    const before = write(login);
    const arn = await fixture.createSecret(before);
    for (let turn = 0; turn < hostilePasswords.length; turn += 1) {
      expect(await fixture.rotate(arn)).toBeUndefined();
      const after = await textOf(arn);
      expect(frame(after)).toBe(frame(before));
      const now = form.read(after);
      expect(now.username).toBe(login.username);
      expect([await harness.canLogIn(now), await harness.canLogIn(login)]).toEqual([true, false]);
      login = now;
    }
  });

  it('alternates between users, with the admin secret that the tag names', async () => {
    const login = await harness.createLogin(hostileNames[1]);
    const admin = await fixture.createSecret(write(harness.adminSecret(), 'master'));
    const before = write(login);
    const arn = await fixture.createSecret(before, { 'keyturn:admin': admin });
    for (const username of [`${login.username}_clone`, login.username]) {
      expect(await fixture.rotate(arn)).toBeUndefined();
      const after = await textOf(arn);
      expect(frame(after)).toBe(frame(before));
      expect(form.read(after).username).toBe(username);
      expect(await harness.canLogIn(form.read(after))).toBe(true);
    }
  });
});
