import { X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import type { SecureContextOptions } from 'node:tls';
import type { Connection, ConnectionConfiguration, Request } from 'tedious';
import {
  KeyturnError,
  missing,
  type RotatorContext,
  requireSuitable,
  type Session,
} from '../../src/rotator/index.ts';
import { authoritiesWith } from '../authorities.ts';
import {
  abortError,
  type ConnectionOptions,
  connectTimeoutMs,
  dial,
  tlsFirst,
} from '../database/connection.ts';
import { codesOf } from '../network.ts';
import { classify } from './classify.ts';
import type { Place, SqlServerCredential } from './credential.ts';
import { isRefusal, LoginFailure, type ServerMessage } from './login-failure.ts';
import { requireEncryption } from './prelogin.ts';
import { quoteIdentifier } from './quoting.ts';

/** How the function connects, for all secrets. */
export interface SqlServerOptions extends ConnectionOptions {
  /**
   * Whether to encrypt without verifying the server's certificate. `TrustServerCertificate` in a secret has no effect
   * without this. Default: no.
   */
  readonly trustServerCertificate?: boolean;
}

/** An open connection. The methods throw what tedious throws, with the server's number as `number`. */
export interface SqlServerSession extends Session {
  /** How the login was sent. */
  readonly encryption:
    | 'verified TLS'
    | 'verified TLS, as TDS 8'
    | 'TLS, but the certificate is not checked'
    | 'plaintext';
  /** Runs one statement, and returns its rows. Each value is bound, as nvarchar, to the variable @NAME. */
  query<Row extends object>(statement: string, values?: Readonly<Record<string, string>>): Promise<Row[]>;
  /** Moves the session to another database. */
  use(database: string): Promise<void>;
  /**
   * Opens another session in another database, with the same credential: Azure SQL Database has no USE. Undefined if the
   * server refuses the password.
   */
  elsewhere(database: string): Promise<SqlServerSession | undefined>;
}

const noSuchFile =
  'The secret says ServerCertificate, a file that the function does not have: give the certificate itself in "servercertificate", or its authority in KEYTURN_CA_FILE.';

const notTrusted =
  'The secret says TrustServerCertificate. That counts only if KEYTURN_TRUST_SERVER_CERTIFICATE of the function allows it.';

/**
 * Logs in; undefined if the server refuses the password.
 *
 * @throws TlsUnavailable, DriverMissing, a {@link LoginFailure}, and what tedious throws
 */
export async function connect(
  credential: SqlServerCredential,
  options: SqlServerOptions,
  context: RotatorContext,
): Promise<SqlServerSession | undefined> {
  return attempt({ ...credential, plaintext: false, readsSecondary: false }, options, context);
}

/** Logs in as an application with `ApplicationIntent=ReadOnly`: a listener leads to a secondary, if there is one. */
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

/** The login at the other server of a mirrored database, if the first can't be reached. Notes that. */
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

/** How the connection ends if an older server, which expects TDS, gets a TLS handshake. */
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
 * Uses tedious, the driver below `mssql`. The pool of `mssql` logs in twice for one connection (first a trial, then the
 * one that is used), and does not pass on the numbers of the errors.
 */
async function loadDriver() {
  requireSuitable('tedious');
  try {
    // Use the default export: in a bundle, a CommonJS package that is imported later has no other.
    return (await import('tedious')).default;
  } catch (error) {
    return missing('tedious')(error);
  }
}

async function connectOnce(
  credential: Attempt,
  options: SqlServerOptions,
  context: RotatorContext,
): Promise<SqlServerSession> {
  const { signal } = context;
  signal.throwIfAborted();
  const tedious = await loadDriver();
  const sockets = new Set<Socket>();
  const connection = new tedious.Connection(
    configurationOf(credential, options, (socket) => sockets.add(socket)),
  );
  // A connection may break between two queries. The next query reports it. Without a listener, the error would end the
  // process.
  connection.on('error', () => undefined);
  const hangUp = (): void => {
    for (const socket of sockets) socket.destroy(signal.aborted ? abortError(signal) : undefined);
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
    // Destroying the sockets is not enough: tedious can't be stopped while it asks the SQL Server Browser for a port.
    const aborted = (): void => reject(abortError(signal));
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
  return trustsAnyCertificate(credential, options)
    ? 'TLS, but the certificate is not checked'
    : 'verified TLS';
}

/** Whether any certificate of the server is accepted. Never with Encrypt=Strict, or if the secret has the certificate. */
function trustsAnyCertificate(
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
      // Not what the secret says: a change belongs to the primary, and a secondary may have other logins.
      readOnlyIntent: credential.readsSecondary,
      appName: 'keyturn',
      connectTimeout: connectTimeoutMs,
      // No time limit and no retries by tedious: the signal ends what takes too long, and core retries.
      requestTimeout: 0,
      maxRetriesOnTransientErrors: 0,
      // tedious gives the place: with the port from the SQL Server Browser, or the server to which Azure redirects. Its
      // signal fires when the connection takes too long.
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
    trustServerCertificate: !strict && trustsAnyCertificate(credential, options),
    cryptoCredentialsDetails: authoritiesOf(serverCertificate, options.ca?.()),
  };
}

/** Node.js takes `ca` in place of its own authorities. If the secret has the server's certificate, no other is trusted. */
function authoritiesOf(serverCertificate: string | undefined, ca: string | undefined): SecureContextOptions {
  // The authority that has signed the certificate need not be known.
  if (serverCertificate !== undefined) return { ca: serverCertificate, allowPartialTrustChain: true };
  return ca === undefined ? {} : { ca: authoritiesWith(ca) };
}

/**
 * The name to expect in the certificate. If the secret has the certificate itself, that counts for any host. So its own
 * name is expected.
 */
function certificateName({ serverName, serverCertificate }: SqlServerCredential): string | undefined {
  if (serverName !== undefined || serverCertificate === undefined) return serverName;
  const { subjectAltName = '', subject } = new X509Certificate(serverCertificate);
  return /DNS:([^,]+)/.exec(subjectAltName)?.[1] ?? /CN=(.+)/.exec(subject)?.[1];
}

/** The used part of a column of a row. tedious has no type for it. */
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
      // Sent as a batch. execSql calls sp_executesql, after which a USE would be undone.
      if (bound.length === 0) connection.execSqlBatch(request);
      else connection.execSql(request);
    });
  const use = async (database: string): Promise<void> => {
    await query(`USE ${quoteIdentifier(database)}`);
  };
  return { encryption, query, use, elsewhere, close };
}
