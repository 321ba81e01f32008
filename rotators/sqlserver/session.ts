import { X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import type { SecureContextOptions } from 'node:tls';
import type { Connection, ConnectionConfiguration, Request } from 'tedious';
import { KeyturnError, missing, type RotatorContext, type Session } from '../../src/rotator/index.ts';
import { authoritiesWith } from '../authorities.ts';
import { type ConnectionOptions, connectTimeoutMs, dial, tlsFirst } from '../database/connection.ts';
import { codesOf } from '../network.ts';
import { classify } from './classify.ts';
import type { Place, SqlServerCredential } from './credential.ts';
import { isRefusal, LoginFailure, type ServerMessage } from './login-failure.ts';
import { requireEncryption } from './prelogin.ts';
import { quoteIdentifier } from './quoting.ts';

/** How the function connects, whatever the secret. */
export interface SqlServerOptions extends ConnectionOptions {
  /** Whether to encrypt without looking at the server's certificate; a secret can't ask for it. Default: no. */
  readonly trustServerCertificate?: boolean;
}

/** An open connection. */
export interface SqlServerSession extends Session {
  readonly encryption:
    | 'verified TLS'
    | 'verified TLS, as TDS 8'
    | 'TLS, with a certificate that nobody looked at'
    | 'plaintext';
  /** Runs one statement; values are bound, as nvarchar, to @name. */
  query<Row extends object>(statement: string, values?: Readonly<Record<string, string>>): Promise<Row[]>;
  /** Makes another database the session's. */
  use(database: string): Promise<void>;
  /**
   * A session of its own in another database, by the same credential: Azure SQL Database has no USE. Undefined where it
   * is refused.
   */
  elsewhere(database: string): Promise<SqlServerSession | undefined>;
}

const noSuchFile =
  'The secret says ServerCertificate, a file that the function does not have: give the certificate itself in "servercertificate", or its authority in KEYTURN_CA_FILE.';

const notTrusted =
  'The secret says TrustServerCertificate, which holds here only where KEYTURN_TRUST_SERVER_CERTIFICATE allows it.';

/** Logs in; undefined where the server refuses the password. */
export async function connect(
  credential: SqlServerCredential,
  options: SqlServerOptions,
  context: RotatorContext,
): Promise<SqlServerSession | undefined> {
  return attempt({ ...credential, plaintext: false, readsSecondary: false }, options, context);
}

/** Logs in as an application with `ApplicationIntent=ReadOnly` does: a listener leads to a secondary, if there is one. */
export async function connectToSecondary(
  credential: SqlServerCredential,
  options: SqlServerOptions,
  context: RotatorContext,
): Promise<SqlServerSession | undefined> {
  return attempt({ ...credential, plaintext: false, readsSecondary: true }, options, context);
}

/** How a login is tried. Plaintext never comes first, whatever the secret says. */
interface Attempt extends SqlServerCredential {
  readonly plaintext: boolean;
  readonly readsSecondary: boolean;
}

async function attempt(
  tried: Attempt,
  options: SqlServerOptions,
  context: RotatorContext,
): Promise<SqlServerSession | undefined> {
  try {
    if (tried.plaintext) return await connectOnce(tried, options, context);
    return await tlsFirst(tried, options, context, (encrypted) =>
      connectOnce({ ...tried, plaintext: !encrypted }, options, context),
    );
  } catch (error) {
    if (isRefusal(error)) return undefined;
    const partner = failover(tried, context, error);
    if (partner !== undefined) return attempt(partner, options, context);
    if (classify(error, 'open') === 'CertificateRejected') noteCertificate(tried, context);
    throw explainHandshake(error, tried);
  }
}

function noteCertificate(
  { wantsTrustServerCertificate, certificateFile }: Attempt,
  context: RotatorContext,
): void {
  if (wantsTrustServerCertificate) context.note(notTrusted);
  if (certificateFile) context.note(noSuchFile);
}

/** The other server of a mirrored database, where the first can't be reached; that is noted. */
function failover(
  { failoverPartner, ...credential }: Attempt,
  context: RotatorContext,
  error: unknown,
): Attempt | undefined {
  const isUnreachable = classify(error, 'open') === 'TargetUnreachable';
  if (failoverPartner === undefined || !isUnreachable || context.signal.aborted) return undefined;
  context.note(`${credential.host} can not be reached: trying its failover partner ${failoverPartner.host}.`);
  return { ...credential, ...failoverPartner, failoverPartner: undefined, plaintext: false };
}

/** What an older server does with a TLS handshake where it expects TDS. */
const handshakeEnded = /^(ECONNRESET|EPROTO|EPIPE|ECLOSE)$/;

function explainHandshake(error: unknown, { strict, host }: Attempt): unknown {
  if (strict && codesOf(error).some((code) => handshakeEnded.test(code)))
    return new KeyturnError(
      'TlsUnavailable',
      `The server at ${host} ended the TLS handshake with which TDS 8 begins.`,
      'Encrypt=Strict needs SQL Server 2022, Azure SQL Database or newer; use Encrypt=Mandatory for an older one.',
      { cause: error },
    );
  return error;
}

/**
 * tedious is what `mssql` is made on. Its pool is left out, because it logs in twice for one connection (a trial,
 * then the one that is used), and keeps the numbers of the errors to itself.
 */
async function connectOnce(
  credential: Attempt,
  options: SqlServerOptions,
  context: RotatorContext,
): Promise<SqlServerSession> {
  const { signal } = context;
  signal.throwIfAborted();
  // The default alone: a bundler finds no names in a CommonJS package that it loads on demand.
  const { default: tedious } = await import('tedious').catch(missing('tedious'));
  const sockets = new Set<Socket>();
  const connection = new tedious.Connection(
    configurationOf(credential, options, (socket) => sockets.add(socket)),
  );
  // A connection that breaks between two queries shows in the next one; without a listener it ends the process.
  connection.on('error', () => undefined);
  const hangUp = (): void => {
    for (const socket of sockets) socket.destroy(signal.aborted ? new Error('Aborted.') : undefined);
  };
  signal.addEventListener('abort', hangUp, { once: true });
  const close = async (): Promise<void> => {
    signal.removeEventListener('abort', hangUp);
    connection.close();
    hangUp();
  };
  try {
    await logIn(connection, signal);
  } catch (error) {
    await close();
    throw error;
  }
  return session(
    connection,
    (...made) => new tedious.Request(...made),
    tedious.TYPES.NVarChar,
    encryptionOf(credential, options),
    (database) => attempt({ ...credential, database }, options, context),
    close,
  );
}

function logIn(connection: Connection, signal: AbortSignal): Promise<void> {
  const messages: ServerMessage[] = [];
  const collect = ({ number, message }: ServerMessage): number => messages.push({ number, message });
  return new Promise((resolve, reject) => {
    // Of its own, since tedious can't be stopped while it asks the SQL Server Browser for a port.
    const aborted = (): void => reject(signal.reason);
    signal.addEventListener('abort', aborted, { once: true });
    connection.on('errorMessage', collect);
    connection.connect((error) => {
      signal.removeEventListener('abort', aborted);
      connection.off('errorMessage', collect);
      if (error === undefined || error === null) resolve();
      else reject(messages.length === 0 ? error : new LoginFailure(messages, error));
    });
  });
}

function encryptionOf(
  { plaintext, strict, ...credential }: Attempt,
  options: SqlServerOptions,
): SqlServerSession['encryption'] {
  if (plaintext) return 'plaintext';
  if (strict) return 'verified TLS, as TDS 8';
  return trusts(credential, options) ? 'TLS, with a certificate that nobody looked at' : 'verified TLS';
}

/** Whether the server's certificate is left unseen. Encrypt=Strict knows no such thing, nor does a certificate that is named. */
function trusts(
  { ssl, serverCertificate }: Pick<SqlServerCredential, 'ssl' | 'serverCertificate'>,
  { trustServerCertificate }: SqlServerOptions,
): boolean {
  return serverCertificate === undefined && (ssl === false || trustServerCertificate === true);
}

function configurationOf(
  credential: Attempt,
  options: SqlServerOptions,
  opened: (socket: Socket) => void,
): ConnectionConfiguration {
  const { host, port, instance, database, username, password, plaintext, strict } = credential;
  const serverName = certificateName(credential);
  return {
    server: host,
    authentication: { type: 'default', options: { userName: username, password } },
    options: {
      ...(port === undefined ? { instanceName: instance } : { port }),
      database,
      ...encryptionOptions(credential, options),
      ...(serverName === undefined ? {} : { serverName }),
      // What a secondary's logins are is not known here: whoever wants to see one says so.
      readOnlyIntent: credential.readsSecondary,
      appName: 'keyturn',
      connectTimeout: connectTimeoutMs,
      // The signal ends what takes too long; core retries.
      requestTimeout: 0,
      maxRetriesOnTransientErrors: 0,
      // tedious says where to (the port that the browser told, or the server that Azure redirects to) and how long.
      connector: async (to?: Pick<Place, 'host' | 'port'>, _lookup?: unknown, signal?: AbortSignal) => {
        const place = { host: to?.host ?? host, port: to?.port ?? port ?? 1433, signal };
        const socket = await dial(place, opened);
        // With TDS 8 there is no PRELOGIN before TLS.
        if (!plaintext && !strict) requireEncryption(socket);
        return socket;
      },
    },
  };
}

function encryptionOptions(
  credential: Attempt,
  options: SqlServerOptions,
): NonNullable<ConnectionConfiguration['options']> {
  const { plaintext, strict, serverCertificate } = credential;
  if (plaintext) return { encrypt: false };
  return {
    encrypt: strict ? 'strict' : true,
    trustServerCertificate: !strict && trusts(credential, options),
    cryptoCredentialsDetails: authoritiesOf(serverCertificate, options.ca?.()),
  };
}

/** Node.js takes `ca` instead of its own authorities, not besides them. One certificate that is named is all there is. */
function authoritiesOf(serverCertificate: string | undefined, ca: string | undefined): SecureContextOptions {
  // Its authority need not be known then.
  if (serverCertificate !== undefined) return { ca: serverCertificate, allowPartialTrustChain: true };
  return ca === undefined ? {} : { ca: authoritiesWith(ca) };
}

/** A certificate that is named is accepted whatever host it is for, so that its own name is expected. */
function certificateName({ serverName, serverCertificate }: SqlServerCredential): string | undefined {
  if (serverName !== undefined || serverCertificate === undefined) return serverName;
  const { subjectAltName = '', subject } = new X509Certificate(serverCertificate);
  return /DNS:([^,]+)/.exec(subjectAltName)?.[1] ?? /CN=(.+)/.exec(subject)?.[1];
}

/** What is used of a column of a row, for which tedious has no type. */
interface Column {
  readonly metadata: { readonly colName: string };
  readonly value: unknown;
}

type MakeRequest = (...made: ConstructorParameters<typeof Request>) => Request;

function session(
  connection: Connection,
  makeRequest: MakeRequest,
  type: Parameters<Request['addParameter']>[1],
  encryption: SqlServerSession['encryption'],
  elsewhere: SqlServerSession['elsewhere'],
  close: () => Promise<void>,
): SqlServerSession {
  const query = <Row extends object>(statement: string, values: Readonly<Record<string, string>> = {}) =>
    new Promise<Row[]>((resolve, reject) => {
      const rows: Row[] = [];
      const request = makeRequest(statement, (error) => (error ? reject(error) : resolve(rows)));
      request.on('row', (columns: readonly Column[]) => {
        const row: Row = Object.create(Object.prototype);
        for (const { metadata, value } of columns) Reflect.set(row, metadata.colName, value);
        rows.push(row);
      });
      const bound = Object.entries(values);
      for (const [name, value] of bound) request.addParameter(name, type, value);
      // A batch of its own, and no call of sp_executesql, after which USE would be undone.
      if (bound.length === 0) connection.execSqlBatch(request);
      else connection.execSql(request);
    });
  const use = async (database: string): Promise<void> => {
    await query(`USE ${quoteIdentifier(database)}`);
  };
  return { encryption, query, use, elsewhere, close };
}
