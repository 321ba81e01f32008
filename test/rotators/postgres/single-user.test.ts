import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { postgres } from '../../../rotators/postgres/index.ts';
import { quoteIdentifier } from '../../../rotators/postgres/quoting.ts';
import type { PostgresSession } from '../../../rotators/postgres/session.ts';
import type { SecretFields } from '../../../src/index.ts';
import {
  asAdmin,
  canLogIn,
  createLogin,
  hostileTexts,
  randomPassword,
  rotatorContext,
  secretOf,
  serverLog,
  sharedOptions,
  type TestLogin,
} from '../../support/postgres-fixtures.ts';
import { type PostgresServer, startPostgres } from '../../support/postgres-server.ts';

const rotator = postgres(sharedOptions());
const credentialOf = (fields: SecretFields) => rotator.parse(fields);

/** Changes a login's password as core would. */
async function change(login: TestLogin, password: string, context = rotatorContext()): Promise<string[]> {
  const using = credentialOf(secretOf(login));
  const session = await rotator.open(using, context);
  if (session === undefined) throw new Error('The login was refused.');
  try {
    await rotator.change(session, { ...using, password }, { ...context, using, current: using });
  } finally {
    await session.close();
  }
  return context.notes;
}

describe('postgres, single user', () => {
  it('ends the old password and takes the new one; twice equals once', async () => {
    const login = await createLogin();
    const password = randomPassword();
    await change(login, password);
    expect(await canLogIn(login)).toBe(false);
    expect(await canLogIn({ ...login, password })).toBe(true);
    await change({ ...login, password }, password);
    expect(await canLogIn({ ...login, password })).toBe(true);
  });

  it.each(hostileTexts)('takes %j for a name and for a password', async (text) => {
    const login = await createLogin(text.slice(0, 40), text);
    const password = `${text} 2`;
    await change(login, password);
    expect(await canLogIn({ ...login, password })).toBe(true);
    expect(await canLogIn(login)).toBe(false);
  });

  it('keeps the password itself out of the server log, which holds every statement', async () => {
    const login = await createLogin();
    const password = randomPassword();
    await change(login, password);
    const log = await serverLog();
    expect(log).toContain(`ALTER ROLE ${quoteIdentifier(login.username)} WITH PASSWORD E'SCRAM-SHA-256$`);
    expect(log).not.toContain(password);
  });

  it('works for a role whose settings lay another role and read-only transactions on its sessions', async () => {
    const login = await createLogin();
    const other = await createLogin();
    const name = quoteIdentifier(login.username);
    await asAdmin(async (client) => {
      await client.query(`GRANT ${quoteIdentifier(other.username)} TO ${name}`);
      await client.query(`ALTER ROLE ${name} SET ROLE ${quoteIdentifier(other.username)}`);
      await client.query(`ALTER ROLE ${name} SET default_transaction_read_only = on`);
    });
    const password = randomPassword();
    await change(login, password);
    expect(await canLogIn({ ...login, password })).toBe(true);
  });

  it('tells a password that the server’s policy refuses, and leaves the old one working', async () => {
    const login = await createLogin();
    await asAdmin((client) =>
      client.query(
        `ALTER ROLE ${quoteIdentifier(login.username)} SET session_preload_libraries = 'passwordcheck'`,
      ),
    );
    // passwordcheck can see one thing in a verifier: a password that equals the name.
    const error = await change(login, login.username).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(rotator.classify?.(error, 'change')).toBe('PasswordRejected');
    expect(await canLogIn(login)).toBe(true);
  });

  /** Refuses a verifier as credcheck does. The extension can't be installed here, and the server itself accepts verifiers. */
  function insistingOnPlaintext(session: PostgresSession, code: string): PostgresSession {
    return {
      ...session,
      change: async (statements) => {
        if (!statements.some((statement) => statement.includes('SCRAM-SHA-256$')))
          return session.change(statements);
        throw Object.assign(new Error('password type is not a plain text'), { code });
      },
    };
  }

  it.each([
    ['28000', true],
    ['28000', false],
    ['XX000', true],
  ])(
    'keeps a password that credcheck insists to see (%s) out of the log, if the role may: %s',
    async (code, may) => {
      const login = await createLogin();
      const name = quoteIdentifier(login.username);
      if (may) await asAdmin((client) => client.query(`ALTER ROLE ${name} SUPERUSER`));
      const context = rotatorContext();
      const password = randomPassword();
      const using = credentialOf(secretOf(login));
      const session = await rotator.open(using, context);
      if (session === undefined) throw new Error('The login was refused.');
      const insisting = insistingOnPlaintext(session, code);
      await rotator.change(insisting, { ...using, password }, { ...context, using, current: using });
      await session.close();
      expect(context.notes).toEqual([
        'The server takes no password verifier: it gets the password itself.',
        ...(may
          ? []
          : ['The role may not switch statement logging off: the server may log the new password.']),
      ]);
      expect(await canLogIn({ ...login, password })).toBe(true);
      expect((await serverLog()).includes(password)).toBe(!may);
    },
  );

  it.each([
    { code: 'XX000', message: 'tuple concurrently updated' },
    { code: 'XX000', message: 'some other internal error' },
    { code: '22023', message: 'password must not equal user name' },
    { code: '28000', message: 'some other policy' },
    { code: 'P0001', message: 'raised by pg_tle' },
    { code: '0A000', message: 'not supported' },
  ])('sends no plaintext after $code, $message', async ({ code, message }) => {
    const using = credentialOf(secretOf(await createLogin()));
    const context = rotatorContext();
    const sent: string[] = [];
    const refusing: PostgresSession = {
      encrypted: true,
      login: { method: 'scram-sha-256', scramIterations: 4096, parameters: new Map() },
      close: async () => undefined,
      query: async () => [],
      change: async (statements) => {
        sent.push(...statements);
        throw Object.assign(new Error(message), { code });
      },
      changeStepwise: (steps) => steps(async (statement) => void sent.push(statement)),
    };
    const pending = { ...using, password: randomPassword() };
    const changing = rotator.change(refusing, pending, { ...context, using, current: using });
    await expect(changing).rejects.toMatchObject({ code });
    expect(sent.length).toBeGreaterThan(0);
    expect(sent.join()).not.toContain(pending.password);
  });

  it('takes a wrong password and an unknown role for a refusal', async () => {
    const login = await createLogin();
    const refused = credentialOf(secretOf({ ...login, password: 'wrong' }));
    const unknown = credentialOf(secretOf({ username: 'nobody by this name', password: 'x' }));
    expect(await rotator.open(refused, rotatorContext())).toBeUndefined();
    expect(await rotator.open(unknown, rotatorContext())).toBeUndefined();
  });

  it('throws, and does not refuse, for NOLOGIN, an unknown database and an unreachable host', async () => {
    const login = await createLogin();
    await asAdmin((client) => client.query(`ALTER ROLE ${quoteIdentifier(login.username)} NOLOGIN`));
    await expect(rotator.open(credentialOf(secretOf(login)), rotatorContext())).rejects.toMatchObject({
      code: '28000',
    });
    const elsewhere = { ...secretOf(await createLogin()), dbname: 'no such database' };
    await expect(rotator.open(credentialOf(elsewhere), rotatorContext())).rejects.toMatchObject({
      code: '3D000',
    });
    const unreachable = { ...secretOf(login), port: 1 };
    const error = await rotator
      .open(credentialOf(unreachable), rotatorContext())
      .catch((thrown: unknown) => thrown);
    expect(rotator.classify?.(error, 'open')).toBe('TargetUnreachable');
  });

  it('honours an abort while a server does not answer', async () => {
    const silent = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => silent.once('listening', resolve));
    const address = silent.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    const controller = new AbortController();
    const opening = rotator.open(
      credentialOf({ ...secretOf({ username: 'a', password: 'b' }), host: '127.0.0.1', port }),
      rotatorContext(controller.signal),
    );
    silent.once('connection', () => controller.abort());
    await expect(opening).rejects.toThrow();
    silent.close();
  });

  it('finds all in order in a preflight', async () => {
    const credential = credentialOf(secretOf(await createLogin()));
    const session = await rotator.open(credential, rotatorContext());
    if (session === undefined) throw new Error('The login was refused.');
    const findings = await rotator.preflight?.(session, credential, undefined, rotatorContext());
    await session.close();
    expect(findings?.map(({ check, ok }) => [check, ok])).toEqual([
      ['encryption', true],
      ['login method', true],
      ['server', true],
      ['password', true],
      ['password storage', true],
      ['validity', true],
    ]);
  });
});

describe('postgres, TLS', () => {
  let plain: PostgresServer;
  beforeAll(async () => {
    plain = await startPostgres({ tls: false });
  });
  afterAll(() => plain.stop());

  const secret = (ssl?: boolean) => ({
    engine: 'postgres',
    host: plain.host,
    port: plain.port,
    ...plain.admin,
    ...(ssl === undefined ? {} : { ssl }),
  });

  it('refuses a server without TLS unless the secret or the function allows plaintext', async () => {
    for (const ssl of [undefined, true]) {
      const error = await rotator
        .open(credentialOf(secret(ssl)), rotatorContext())
        .catch((thrown: unknown) => thrown);
      expect(rotator.classify?.(error, 'open')).toBe('TlsUnavailable');
    }
    const allowing = postgres({ allowPlaintext: true });
    await expect(allowing.open(credentialOf(secret(true)), rotatorContext())).rejects.toThrow();
  });

  it('connects in plaintext by ssl: false, and by configuration with a line in the log', async () => {
    const asked = rotatorContext();
    const session = await rotator.open(credentialOf(secret(false)), asked);
    expect(session?.encrypted).toBe(false);
    await session?.close();
    expect(asked.notes).toEqual([]);

    const fallen = rotatorContext();
    const other = await postgres({ allowPlaintext: true }).open(credentialOf(secret()), fallen);
    expect(other?.encrypted).toBe(false);
    await other?.close();
    expect(fallen.notes).toEqual([expect.stringMatching(/has no TLS: connecting in plaintext/)]);
  });

  it('checks the certificate: its authority, and the name it carries', async () => {
    const login = await createLogin();
    const classified = async (untrusting: typeof rotator, fields: SecretFields) => {
      const error = await untrusting
        .open(credentialOf(fields), rotatorContext())
        .catch((thrown: unknown) => thrown);
      return rotator.classify?.(error, 'open');
    };
    expect(await classified(postgres(), secretOf(login))).toBe('CertificateRejected');
    expect(await classified(rotator, { ...secretOf(login), host: '127.0.0.1' })).toBe('CertificateRejected');
    const named = { ...secretOf(login), host: '127.0.0.1', sslservername: 'localhost' };
    const session = await rotator.open(credentialOf(named), rotatorContext());
    expect(session?.encrypted).toBe(true);
    await session?.close();
    expect(inject('postgres').host).toBe('localhost');
  });
});
