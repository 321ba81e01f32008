import type { Socket } from 'node:net';
import type { Connection, ConnectionOptions as DriverOptions } from 'mysql2';
import {
  KeyturnError,
  missing,
  type RotatorContext,
  requireSuitable,
  type Session,
} from '../../src/rotator/index.ts';
import {
  type ConnectionOptions,
  connectTimeoutMs,
  createTrust,
  destroyOnAbort,
  dial,
  type Trust,
  tlsFirst,
  withinConnectTimeout,
  withoutTls,
} from '../database/connection.ts';
import { codesOf } from '../network.ts';
import { explainLogin, isRefusal } from './classify.ts';
import type { MysqlCredential } from './credential.ts';
import { type Account, parseAccount, quoteAccount } from './quoting.ts';

/** What the server says of itself and of the session. */
export interface Server {
  /** Whether it is MariaDB. */
  readonly isMariaDb: boolean;
  /** The server's version, such as `8.4.5` or `10.11.19-MariaDB`. */
  readonly version: string;
  /** The account that the server has chosen for the login: a name may exist for several hosts. */
  readonly account: Account;
  /** Whether it takes no changes. */
  readonly readOnly: boolean;
}

/**
 * An open connection. `sql_mode` is empty and the character set is utf8mb4, whatever the server's settings are. The
 * methods throw what mysql2 throws, with the server's number as `errno`.
 */
export interface MysqlSession extends Session {
  /** Whether the connection has TLS. */
  readonly encrypted: boolean;
  /** Runs one statement, and returns its rows. Quote every value: nothing is bound. */
  query<Row extends object>(statement: string): Promise<Row[]>;
  /** Describes the server. It is asked only once. */
  server(): Promise<Server>;
}

/** How a rotator logs in. */
export type Open = (
  credential: MysqlCredential,
  context: RotatorContext,
) => Promise<MysqlSession | undefined>;

/**
 * Logs in; undefined if the server refuses the password.
 *
 * @throws PermissionDenied for an account that no other password would let in, or that is not the login's own
 * @throws TlsUnavailable, DriverMissing, and what mysql2 throws
 */
export function createOpen(options: ConnectionOptions): Open {
  const trust = createTrust(options);
  return async (credential, context) => {
    // Load the driver before connecting, because it may be missing.
    await loadDriver();
    const logInOnce = async (encrypted: boolean): Promise<MysqlSession> =>
      requireOwnAccount(await logIn(credential, encrypted, trust, context), credential);
    try {
      if (credential.ssl === false) return await logInOnce(false);
      return await tlsFirst(credential, options, context, logInOnce);
    } catch (error) {
      if (isRefusal(error)) return undefined;
      throw explainLogin(error, credential.username) ?? error;
    }
  };
}

/**
 * Refuses a login that the server matched to another account: to an anonymous one, or by PROXY. Such a login does not
 * prove the account in the secret. Whoever knows its password could otherwise have an admin change any account.
 *
 * @throws PermissionDenied, with the session closed
 * @see https://dev.mysql.com/doc/refman/8.4/en/connection-access.html
 */
async function requireOwnAccount(
  session: MysqlSession,
  { username }: MysqlCredential,
): Promise<MysqlSession> {
  try {
    const { account } = await session.server();
    if (account.user === username) return session;
    throw new KeyturnError(
      'PermissionDenied',
      `The server lets "${username}" in as ${quoteAccount(account)}, which is another account.`,
      'Nothing was changed. Create an account of that name for this host, or drop the anonymous one. A proxy user is rotated where its password is kept.',
    );
  } catch (error) {
    await session.close();
    throw error;
  }
}

const loadDriver = async () => {
  requireSuitable('mysql2');
  try {
    return await import('mysql2');
  } catch (error) {
    return missing('mysql2')(error);
  }
};

async function logIn(
  credential: MysqlCredential,
  encrypted: boolean,
  trust: Trust,
  { signal }: RotatorContext,
): Promise<MysqlSession> {
  const { default: mysql } = await loadDriver();
  const { host, port } = credential;
  const socket = await withinConnectTimeout(signal, (within) => dial({ host, port, signal: within }));
  const letGo = destroyOnAbort(socket, signal);
  const connection = mysql.createConnection(settingsOf(credential, encrypted, trust, socket));
  // A connection may break between two queries. The next query reports it. Without a listener, the error would end the
  // process.
  connection.on('error', () => undefined);
  const close = async (): Promise<void> => {
    await new Promise<void>((resolve) => {
      socket.once('close', () => resolve());
      if (socket.destroyed) resolve();
      connection.end(() => resolve());
    });
    socket.destroy();
    letGo();
  };
  try {
    await new Promise<void>((resolve, reject) => {
      connection.once('connect', () => resolve());
      connection.once('error', reject);
    });
    signal.throwIfAborted();
    return sessionOn(connection, encrypted, close);
  } catch (error) {
    letGo();
    connection.destroy();
    socket.destroy();
    throw codesOf(error).includes('HANDSHAKE_NO_SSL_SUPPORT') ? withoutTls() : error;
  }
}

function settingsOf(
  { host, serverName, username, password, database }: MysqlCredential,
  encrypted: boolean,
  trust: Trust,
  socket: Socket,
): DriverOptions {
  const ca = trust.authorities();
  return {
    // The socket is connected. The driver takes the name to expect in the certificate from here.
    host: serverName ?? host,
    // The driver passes on no address. Node.js then takes the name from the socket.
    stream: Object.assign(socket, { _host: serverName ?? host }),
    user: username,
    password,
    ...(database === undefined ? {} : { database }),
    charset: 'utf8mb4',
    connectTimeout: connectTimeoutMs,
    connectAttributes: { program_name: 'keyturn' },
    ...(encrypted
      ? { ssl: { rejectUnauthorized: true, verifyIdentity: true, ...(ca === undefined ? {} : { ca }) } }
      : { authPlugins: { caching_sha2_password: overTlsOnly, sha256_password: overTlsOnly } }),
  };
}

/**
 * Without TLS, these plugins would encrypt the password with a public key from an unproven server.
 *
 * @see https://dev.mysql.com/doc/refman/8.4/en/caching-sha2-pluggable-authentication.html
 */
function overTlsOnly(): never {
  throw new KeyturnError(
    'TlsUnavailable',
    'The account logs in by caching_sha2_password or sha256_password, and nothing is sent for these without TLS.',
    'Turn TLS on at the server, and take "ssl": false out of the secret.',
  );
}

interface ServerRow {
  readonly version: string;
  readonly account: string;
  readonly readOnly: number | string;
}

function sessionOn(connection: Connection, encrypted: boolean, close: () => Promise<void>): MysqlSession {
  const runStatement = <Row extends object>(statement: string): Promise<Row[]> =>
    new Promise((resolve, reject) => {
      connection.query(statement, (error, rows) => {
        if (error) reject(error);
        else
          resolve(Array.isArray(rows) ? rows.map((row): Row => Object.assign(Object.create(null), row)) : []);
      });
    });
  let ready: Promise<unknown> | undefined;
  const query = async <Row extends object>(statement: string): Promise<Row[]> => {
    ready ??= runStatement("SET NAMES utf8mb4, SESSION sql_mode = ''");
    await ready;
    return runStatement<Row>(statement);
  };
  let server: Promise<Server> | undefined;
  const ask = async (): Promise<Server> => {
    const [row] = await query<ServerRow>(
      'SELECT VERSION() AS version, CURRENT_USER() AS account, @@GLOBAL.read_only AS readOnly',
    );
    const { version = '', account = '', readOnly = 0 } = row ?? {};
    return {
      isMariaDb: /mariadb/i.test(version),
      version,
      account: parseAccount(account),
      readOnly: /^(1|on)$/i.test(String(readOnly)),
    };
  };
  return {
    encrypted,
    query,
    close,
    server: () => {
      server ??= ask();
      return server;
    },
  };
}
