import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type PostgresSession,
  postgres,
  postgresAlternatingUsers,
} from '../../../rotators/postgres/index.ts';
import { quoteIdentifier, quoteLiteral } from '../../../rotators/postgres/quoting.ts';
import {
  randomPassword,
  rotatorContext,
  type TestLogin,
  uniqueName,
} from '../../support/postgres-fixtures.ts';
import { type PostgresServer, startPostgres, withClient } from '../../support/postgres-server.ts';

/** How the server asks for the password, by the name of the database. */
const hba = [
  'hostssl scram all all scram-sha-256',
  'hostssl md5 all all md5',
  'hostssl plain all all password',
  'hostssl trusting all all trust',
  'hostssl mixed named_clone all scram-sha-256',
  'hostssl mixed lost all scram-sha-256',
  'hostssl mixed all all md5',
  'hostnossl plain all all password',
  'hostssl postgres all all scram-sha-256',
  'hostnossl all all all reject',
];

describe('how a Postgres password is stored', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    // The setting of servers that were made before Postgres 14, and of RDS.
    server = await startPostgres({ hba, settings: ["password_encryption = 'md5'"] });
    await server.asAdmin(async (client) => {
      for (const name of ['scram', 'md5', 'plain', 'trusting', 'mixed'])
        await client.query(`CREATE DATABASE ${name}`);
    });
  });
  afterAll(() => server.stop());

  const options = { ca: () => server.ca };
  const [single, alternating] = [postgres(options), postgresAlternatingUsers(options)];
  const secretOf = (login: TestLogin, dbname: string) => ({
    engine: 'postgres',
    host: server.host,
    port: server.port,
    dbname,
    ...login,
  });
  const sql = async (...statements: string[]) =>
    server.asAdmin(async (client) => {
      for (const statement of statements) await client.query(statement);
    });

  async function role(encryption: 'md5' | 'scram-sha-256'): Promise<TestLogin> {
    const login = { username: uniqueName('app'), password: randomPassword() };
    await sql(
      `SET password_encryption = '${encryption}'`,
      `CREATE ROLE ${quoteIdentifier(login.username)} LOGIN PASSWORD ${quoteLiteral(login.password)}`,
    );
    return login;
  }
  async function stored(username: string): Promise<string> {
    const { rows } = await server.asAdmin((client) =>
      client.query<{ rolpassword: string }>('SELECT rolpassword FROM pg_authid WHERE rolname = $1', [
        username,
      ]),
    );
    return rows[0]?.rolpassword ?? '';
  }
  const canLogIn = ({ username, password }: TestLogin, database: string): Promise<boolean> =>
    withClient({ ...server, user: username, password, database }, async () => true);

  async function opened(
    rotator: typeof single,
    login: TestLogin,
    database: string,
  ): Promise<PostgresSession> {
    const session = await rotator.open(rotator.parse(secretOf(login, database)), rotatorContext());
    if (session === undefined) throw new Error('The login was refused.');
    return session;
  }

  async function changeItself(login: TestLogin, database: string): Promise<TestLogin> {
    const session = await opened(single, login, database);
    const using = single.parse(secretOf(login, database));
    const pending = { ...using, password: randomPassword() };
    await single.change(session, pending, { ...rotatorContext(), using, current: using });
    await session.close();
    return pending;
  }

  async function changeByAdmin(login: TestLogin, database: string): Promise<TestLogin> {
    const current = alternating.parse(secretOf(login, database));
    const using = alternating.parse(secretOf(server.admin, database));
    const context = rotatorContext();
    const [proof, session] = [
      await alternating.open(current, context),
      await alternating.open(using, context),
    ];
    if (proof === undefined || session === undefined) throw new Error('A login was refused.');
    await proof.close();
    const pending = { ...current, username: current.pair.alternate, password: randomPassword() };
    await alternating.change(session, pending, { ...context, using, current });
    await session.close();
    return pending;
  }

  it.each([
    ['by the account', changeItself],
    ['by an admin', changeByAdmin],
  ])('locks nobody out where logins are by SCRAM and the setting says md5, changed %s', async (_, change) => {
    const login = await role('scram-sha-256');
    const pending = await change(login, 'scram');
    expect(await stored(pending.username)).toMatch(/^SCRAM-SHA-256\$4096:/);
    expect(await canLogIn(pending, 'scram')).toBe(true);
  });

  it.each([
    ['by the account', changeItself],
    ['by an admin', changeByAdmin],
  ])(
    'keeps an MD5 hash where the account logs in by it and the setting says so, changed %s',
    async (_, change) => {
      const login = await role('md5');
      const pending = await change(login, 'md5');
      expect(await stored(pending.username)).toMatch(/^md5[0-9a-f]{32}$/);
      expect(await canLogIn(pending, 'md5')).toBe(true);
      const name = quoteIdentifier(login.username);
      await sql(`ALTER ROLE ${name} SET password_encryption = 'scram-sha-256'`);
      const [again] = [await changeItself(change === changeItself ? pending : login, 'md5')];
      expect(await stored(again.username)).toMatch(/^SCRAM-SHA-256\$4096:/);
      expect(await canLogIn(again, 'md5')).toBe(true);
    },
  );

  it('goes by how the next user is asked, and not the current one, where an admin sets its password', async () => {
    const login = { username: 'named', password: randomPassword() };
    await sql(`CREATE ROLE named LOGIN PASSWORD ${quoteLiteral(login.password)}`);
    const pending = await changeByAdmin(login, 'mixed');
    expect(await stored('named_clone')).toMatch(/^SCRAM-SHA-256\$4096:/);
    expect(await canLogIn(pending, 'mixed')).toBe(true);
  });

  it('goes by how the account is asked, and not the admin, where the admin sets a lost password', async () => {
    const [admin, lost] = [await role('md5'), { username: 'lost', password: randomPassword() }];
    await sql(`ALTER ROLE ${quoteIdentifier(admin.username)} SUPERUSER`, 'CREATE ROLE lost LOGIN');
    const session = await opened(single, admin, 'mixed');
    const [using, pending] = [admin, lost].map((one) => single.parse(secretOf(one, 'mixed')));
    if (using === undefined || pending === undefined) throw new Error('No credential.');
    await single.change(session, pending, { ...rotatorContext(), using, current: pending });
    await session.close();
    expect(await canLogIn(lost, 'mixed')).toBe(true);
  });

  it('goes by the setting where the server asks for the password itself', async () => {
    const pending = await changeItself(await role('scram-sha-256'), 'plain');
    expect(await stored(pending.username)).toMatch(/^md5/);
    expect(await canLogIn(pending, 'plain')).toBe(true);
  });

  it('keeps the iterations of a verifier, and raises them to what the server or the role wants', async () => {
    const login = await role('scram-sha-256');
    const name = quoteIdentifier(login.username);
    await sql(`ALTER ROLE ${name} SET scram_iterations = 20000`);
    const raised = await changeItself(login, 'scram');
    expect(await stored(login.username)).toMatch(/^SCRAM-SHA-256\$20000:/);
    await sql(`ALTER ROLE ${name} RESET scram_iterations`);
    const kept = await changeItself(raised, 'scram');
    expect(await stored(login.username)).toMatch(/^SCRAM-SHA-256\$20000:/);
    const cloned = await changeByAdmin(kept, 'scram');
    expect(await stored(cloned.username)).toMatch(/^SCRAM-SHA-256\$20000:/);
    // The owner of a database can ask for so many that the function would never end.
    await sql('ALTER DATABASE scram SET scram_iterations = 2147483647');
    const most = await changeItself(kept, 'scram');
    await sql('ALTER DATABASE scram RESET scram_iterations');
    expect(await stored(login.username)).toMatch(/^SCRAM-SHA-256\$1000000:/);
    const session = await opened(single, most, 'scram');
    await session.close();
    expect(session.login).toMatchObject({ scramIterations: 1_000_000 });
  });

  it('proves nothing where the server asks for no password', async () => {
    const login = await role('scram-sha-256');
    const error = await opened(single, login, 'trusting').catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: 'TargetFailed',
      message: expect.stringMatching(/without asking for a password/),
    });
  });

  it('sends no password itself without TLS, unless the secret wants no TLS', async () => {
    const plain = await startPostgres({ tls: false, hba: ['host all all all password'] });
    try {
      const fields = { engine: 'postgres', host: plain.host, port: plain.port, ...plain.admin };
      const lenient = postgres({ allowPlaintext: true });
      await expect(lenient.open(lenient.parse(fields), rotatorContext())).rejects.toThrow(
        /password itself.*without TLS/,
      );
      const session = await lenient.open(lenient.parse({ ...fields, ssl: false }), rotatorContext());
      expect(session?.login.method).toBe('cleartext');
      await session?.close();
    } finally {
      await plain.stop();
    }
  });
});
