import { createServer, type Server } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { dial } from '../../../rotators/database/connection.ts';
import {
  type SqlServerOptions,
  sqlServer,
  sqlServerAlternatingUsers,
} from '../../../rotators/sqlserver/index.ts';
import { closedPort } from '../../support/closed-port.ts';
import { eventually } from '../../support/eventually.ts';
import { rotatorContext } from '../../support/postgres-fixtures.ts';
import { encryption } from '../../support/tds/requests.ts';
import { type StandIn, type StandInOptions, startStandIn } from '../../support/tds/server.ts';

describe('connecting to SQL Server', () => {
  const running: { stop(): Promise<void> }[] = [];
  afterEach(async () => {
    for (const one of running.splice(0)) await one.stop();
  });
  async function start(options: StandInOptions = {}): Promise<StandIn> {
    const standIn = await startStandIn(options);
    running.push(standIn);
    return standIn;
  }
  const fieldsOf = ({ host, port, admin }: StandIn) => ({ engine: 'sqlserver', host, port, ...admin });

  /** Opens a session as the stand-in's admin. @returns the notes and the outcome */
  async function open(
    standIn: StandIn,
    fields: object = {},
    options: SqlServerOptions = { ca: () => standIn.ca },
  ) {
    const context = rotatorContext();
    const rotator = sqlServer(options);
    const opened = await rotator
      .open(rotator.parse({ ...fieldsOf(standIn), ...fields }), context)
      .catch((error: unknown) => ({ error, code: rotator.classify?.(error, 'open') }));
    return { opened, notes: context.notes };
  }

  it('encrypts and looks at the certificate', async () => {
    const standIn = await start();
    const { opened } = await open(standIn);
    expect(opened).toMatchObject({ encryption: 'verified TLS' });
    if (opened !== undefined && 'close' in opened) await opened.close();
    await eventually(() => expect(standIn.connections()).toBe(0));
  });

  it.each([
    ['of an unknown authority', {}, {}],
    ['for another name', { host: '127.0.0.1' }, undefined],
    ['for another name than the one that is asked for', { sslservername: 'other.example.com' }, undefined],
  ])('sends no password to a server with a certificate %s', async (_, fields, options) => {
    const standIn = await start();
    const { opened } = await open(standIn, fields, options);
    expect(opened).toMatchObject({ code: 'CertificateRejected' });
    expect(standIn.logins).toEqual([]);
    await eventually(() => expect(standIn.connections()).toBe(0));
  });

  it('trusts any certificate only where the function says so, and never because the secret does', async () => {
    const standIn = await start();
    const asked = await open(standIn, { trustservercertificate: true }, {});
    expect(asked.opened).toMatchObject({ code: 'CertificateRejected' });
    expect(asked.notes).toEqual([
      expect.stringMatching(/only if KEYTURN_TRUST_SERVER_CERTIFICATE of the function allows it/),
    ]);
    const { opened } = await open(standIn, {}, { trustServerCertificate: true });
    expect(opened).toMatchObject({ encryption: 'TLS, but the certificate is not checked' });
  });

  it.each([encryption.off, encryption.notSupported])(
    'sends no password to a server that answers %d to encryption, unless plaintext is allowed',
    async (answer) => {
      const standIn = await start({ encryption: answer });
      const unavailable = { error: { code: 'TlsUnavailable' } };
      for (const ssl of [true, undefined, false])
        expect((await open(standIn, { ssl })).opened).toMatchObject(unavailable);
      expect(standIn.logins).toEqual([]);
      for (const ssl of [undefined, false]) {
        const { opened, notes } = await open(standIn, { ssl }, { allowPlaintext: true });
        expect(opened).toMatchObject({ encryption: 'plaintext' });
        expect(notes).toEqual([expect.stringMatching(/has no TLS: connecting in plaintext/)]);
      }
      const insisting = await open(standIn, { ssl: true }, { allowPlaintext: true });
      expect(insisting.opened).toMatchObject(unavailable);
    },
  );

  it.each([encryption.on, encryption.required])(
    'encrypts, without a look at the certificate, where the secret says Encrypt=False and the server answers %d',
    async (answer) => {
      const standIn = await start({ encryption: answer });
      for (const allowPlaintext of [false, true]) {
        const { opened } = await open(standIn, { ssl: false }, { allowPlaintext });
        expect(opened).toMatchObject({ encryption: 'TLS, but the certificate is not checked' });
      }
      // What the server received counts.
      expect(standIn.logins).toEqual(
        [1, 2].map(() => ({ username: 'sa', appName: 'keyturn', accepted: true, encrypted: true })),
      );
    },
  );

  describe('by Encrypt=Strict', () => {
    const strict = { encrypt: 'Strict' };

    it('begins with TLS, and is the only way into a server that enforces it', async () => {
      const standIn = await start({ strict: 'forced' });
      const { opened } = await open(standIn, strict);
      expect(opened).toMatchObject({ encryption: 'verified TLS, as TDS 8' });
      if (opened === undefined || !('query' in opened)) throw new Error('No session.');
      expect(await opened.query('SELECT 1 AS alive')).toEqual([{ alive: 1 }]);
      await opened.close();
      expect((await open(standIn, { ssl: true })).opened).toMatchObject({ code: 'TargetUnreachable' });
      await eventually(() => expect(standIn.connections()).toBe(0));
    });

    it('always looks at the certificate', async () => {
      const standIn = await start({ strict: 'forced' });
      for (const [fields, options] of [
        [strict, { trustServerCertificate: true }],
        [{ ...strict, trustservercertificate: true }, { trustServerCertificate: true }],
        [{ ...strict, hostnameincertificate: 'other.example.com' }, undefined],
        [{ ...strict, host: '127.0.0.1' }, undefined],
      ] as const)
        expect((await open(standIn, fields, options)).opened).toMatchObject({ code: 'CertificateRejected' });
      expect(standIn.logins).toEqual([]);
      const named = await open(standIn, { ...strict, host: '127.0.0.1', hostnameincertificate: 'localhost' });
      expect(named.opened).toMatchObject({ encryption: 'verified TLS, as TDS 8' });
    });

    it('is not taken back for a server that does not know it', async () => {
      const standIn = await start({ strict: 'none' });
      const { opened } = await open(standIn, strict, { ca: () => standIn.ca, allowPlaintext: true });
      expect(opened).toMatchObject({ error: { code: 'TlsUnavailable' } });
      expect(opened).toMatchObject({ error: { message: expect.stringMatching(/SQL Server 2022/) } });
      expect(standIn.logins).toEqual([]);
    });

    it('tells what it is in a preflight, and rotates', async () => {
      const standIn = await start({ strict: 'forced' });
      const rotator = sqlServer({ ca: () => standIn.ca });
      const credential = rotator.parse({ ...fieldsOf(standIn), ...strict });
      const context = rotatorContext();
      const session = await rotator.open(credential, context);
      if (session === undefined) throw new Error('Refused.');
      const findings = await rotator.preflight?.(session, credential, undefined, context);
      expect(findings?.[0]).toEqual({ check: 'encryption', ok: true, detail: 'verified TLS, as TDS 8' });
      const pending = { ...credential, password: 'Another-password-2' };
      await rotator.change(session, pending, { ...context, using: credential, current: credential });
      await session.close();
      const proof = await rotator.open(pending, context);
      expect(proof).toBeDefined();
      await proof?.close();
    });
  });

  describe('by a certificate that the secret names', () => {
    it('takes that one, whoever signed it, and no other', async () => {
      const [standIn, other] = [await start(), await start()];
      for (const encrypt of ['Strict', 'Mandatory']) {
        const fields = { encrypt, host: '127.0.0.1', servercertificate: standIn.ca };
        const { opened } = await open(standIn, fields, { trustServerCertificate: true });
        expect(opened).toMatchObject({ encryption: expect.stringMatching(/^verified TLS/) });
        const rejected = await open(other, fields, { trustServerCertificate: true });
        expect(rejected.opened).toMatchObject({ code: 'CertificateRejected' });
      }
      expect(other.logins).toEqual([]);
    });

    it('says that a file of another machine is not there, and does without it', async () => {
      const standIn = await start();
      const fields = { servercertificate: 'C:\\certificates\\sql.cer' };
      expect((await open(standIn, fields)).opened).toMatchObject({ encryption: 'verified TLS' });
      const { opened, notes } = await open(standIn, fields, {});
      expect(opened).toMatchObject({ code: 'CertificateRejected' });
      expect(notes).toEqual([
        expect.stringMatching(/a file that the function does not have.*KEYTURN_CA_FILE/),
      ]);
    });

    it('refuses one that can not be read', () => {
      const broken = '-----BEGIN CERTIFICATE-----\nno\n-----END CERTIFICATE-----';
      for (const [fields, field] of [
        [{ servercertificate: broken }, 'servercertificate'],
        [{ encrypt: 'strict', ssl: false }, 'ssl'],
      ] as const)
        expect(() => sqlServer().parse({ host: 'db', username: 'u', password: 'p', ...fields })).toThrow(
          expect.objectContaining({ code: 'InvalidSecretField', field }),
        );
    });
  });

  it('tells a server that is not there, and tries the failover partner then', async () => {
    const standIn = await start();
    const port = await closedPort();
    const partner = `localhost,${standIn.port}`;
    expect((await open(standIn, { port })).opened).toMatchObject({ code: 'TargetUnreachable' });
    const { opened, notes } = await open(standIn, { port, failoverpartner: partner });
    expect(opened).toMatchObject({ encryption: 'verified TLS' });
    expect(notes).toEqual([expect.stringMatching(/can not be reached: trying its failover partner/)]);
  });

  it('ends a login and a statement at once when the time is up, and leaves nothing open', async () => {
    const silent: Server = createServer().listen(0, 'localhost');
    await new Promise((resolve) => silent.once('listening', resolve));
    const address = silent.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    const standIn = await start();
    const rotator = sqlServer({ ca: () => standIn.ca });
    const credential = rotator.parse({ ...fieldsOf(standIn), port });
    await expect(rotator.open(credential, rotatorContext(AbortSignal.timeout(50)))).rejects.toThrow();
    silent.close();

    const stop = new AbortController();
    const session = await rotator.open(rotator.parse(fieldsOf(standIn)), rotatorContext(stop.signal));
    standIn.fallSilent();
    const asked = session?.query('SELECT 1 AS alive');
    setTimeout(() => stop.abort(), 20);
    await expect(asked).rejects.toThrow();
    await session?.close();
    await eventually(() => expect(standIn.connections()).toBe(0));
  });

  it('gives up a server that does not answer to a call when the time is up', async () => {
    // An address for documentation: packets for it go nowhere, or are refused at once.
    const place = { host: '192.0.2.1', port: 1433, signal: AbortSignal.timeout(50) };
    await expect(dial(place, () => undefined)).rejects.toThrow();
  });

  it('logs in once for each session, and says who it is', async () => {
    const standIn = await start();
    const { opened } = await open(standIn);
    if (opened === undefined || !('query' in opened)) throw new Error('No session.');
    await opened.query('SELECT 1 AS alive');
    await opened.query('SELECT 1 AS alive');
    await opened.close();
    expect(standIn.logins).toEqual([{ username: 'sa', appName: 'keyturn', accepted: true, encrypted: true }]);
  });

  it('calls a password that must be changed refused, with a note, so that the admin secret is tried', async () => {
    const standIn = await start();
    const login = standIn.model.logins.get('sa');
    for (const barred of [18487, 18488]) {
      if (login !== undefined) login.barred = barred;
      const { opened, notes } = await open(standIn);
      expect(opened).toBeUndefined();
      expect(notes).toEqual([expect.stringMatching(/With an admin secret .* the rotation sets a new one/)]);
    }
    const alternating = sqlServerAlternatingUsers({ ca: () => standIn.ca });
    const refused = alternating.open(alternating.parse(fieldsOf(standIn)), rotatorContext());
    await expect(refused).rejects.toMatchObject({ code: 'PermissionDenied' });
  });
});
