import { Socket } from 'node:net';
import { type ConnectionOptions, createSecureContext, getCACertificates, type SecureContext } from 'node:tls';
import type { Client, QueryResult } from 'pg';
import type { RotatorContext, Session } from '../../src/index.ts';
import { isRefusal, isTlsUnavailable } from './classify.ts';
import type { PostgresCredential } from './credential.ts';

/** How the function connects, whatever the secret. */
export interface PostgresOptions {
  /** PEM of the authorities to trust besides Node.js's own; called when a connection needs it. */
  readonly ca?: () => string | undefined;
  /** Whether a secret without `ssl` may go over in plaintext when the server has no TLS. Default: no. */
  readonly allowPlaintext?: boolean;
}

/**
 * How the server asked for the password: by SCRAM, for its MD5 hash, for itself, or not at all.
 *
 * @see https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-START-UP
 */
export type LoginMethod = 'scram-sha-256' | 'md5' | 'cleartext' | 'none';

/**
 * An open connection. All that is sent has a transaction of its own, in one round trip, and leaves nothing behind in
 * the server's session, which a pooler may hand to somebody else. Values are not bound: what goes in has to be quoted.
 */
export interface PostgresSession extends Session {
  readonly encrypted: boolean;
  readonly login: LoginMethod;
  /** Runs one statement with the rights that the session has after its login. */
  query<Row extends object>(statement: string): Promise<Row[]>;
  /** Runs statements in one transaction as the role that logged in, whatever settings lay on the session. */
  change(statements: readonly string[]): Promise<void>;
  /** Runs statements in one transaction, each of them sent by itself, so that one can keep the next out of the log. */
  changeStepwise(steps: (run: (statement: string) => Promise<void>) => Promise<void>): Promise<void>;
}

/**
 * A role or a database can have any path set for its sessions, with functions, operators and tables on it that would
 * be found first. So each transaction begins with this one, and nothing but Postgres's own is found by a bare name.
 * Temporary tables would come first if they were not named.
 *
 * @see https://www.postgresql.org/docs/current/runtime-config-client.html#GUC-SEARCH-PATH
 */
const ownNamesOnly = 'SET LOCAL search_path = pg_catalog, pg_temp';

/**
 * Takes off what settings may have laid on the session: read-only transactions, another role. A commit that is not
 * flushed could be lost in a crash, with the password that is stored as the new one.
 */
const asOneself = [
  'SET LOCAL transaction_read_only = off',
  'SET LOCAL SESSION AUTHORIZATION DEFAULT',
  'SET LOCAL ROLE NONE',
  ownNamesOnly,
  `SELECT pg_catalog.set_config('synchronous_commit', 'local', true)
    WHERE pg_catalog.current_setting('synchronous_commit') = 'off'`,
];

/** AWS's templates wait as long, in ms. */
const connectTimeoutMs = 5_000;

/** Logs in; undefined where the server refuses the password. */
export type Connect = (
  credential: PostgresCredential,
  context: RotatorContext,
) => Promise<PostgresSession | undefined>;

/** The one way of a rotator to log in. */
export interface Connector {
  readonly open: Connect;
  /** How an account was asked for its password when it last logged in; undefined where it has not yet. */
  loginOf(credential: PostgresCredential): LoginMethod | undefined;
}

/** Accounts whose last login is remembered: those of a rotation and some more. */
const mostRemembered = 16;

export function createConnector(options: PostgresOptions): Connector {
  const trust = createTrust(options);
  const logins = new Map<string, LoginMethod>();
  const keyOf = ({ host, port, username }: PostgresCredential): string =>
    JSON.stringify([host, port, username]);
  const remember = (credential: PostgresCredential, session: PostgresSession): PostgresSession => {
    const key = keyOf(credential);
    logins.delete(key);
    logins.set(key, session.login);
    const [oldest] = logins.keys();
    if (logins.size > mostRemembered && oldest !== undefined) logins.delete(oldest);
    return session;
  };
  const connect: Connect = async (credential, context) => {
    const { ssl, serverName } = credential;
    try {
      const tls = ssl === false ? false : tlsOptions(serverName, trust);
      return remember(credential, await connectOnce(credential, tls, context));
    } catch (error) {
      if (isRefusal(error)) return undefined;
      const mayFallBack = ssl === undefined && options.allowPlaintext === true;
      if (!mayFallBack || !isTlsUnavailable(error)) throw error;
    }
    context.note(
      `The server at ${credential.host} has no TLS: connecting in plaintext, as KEYTURN_ALLOW_PLAINTEXT allows.`,
    );
    return connect({ ...credential, ssl: false }, context);
  };
  return { open: connect, loginOf: (credential) => logins.get(keyOf(credential)) };
}

/**
 * What a private CA adds to Node.js's own authorities, which it would replace otherwise. Made once for a CA: reading
 * all the authorities takes longer than a login.
 */
function createTrust({ ca }: PostgresOptions): () => SecureContext | undefined {
  let made: { readonly pem: string; readonly context: SecureContext } | undefined;
  return () => {
    const pem = ca?.();
    if (pem === undefined) return undefined;
    if (made?.pem !== pem) {
      made = { pem, context: createSecureContext({ ca: [...getCACertificates('default'), pem] }) };
    }
    return made.context;
  };
}

function tlsOptions(
  serverName: string | undefined,
  trust: () => SecureContext | undefined,
): ConnectionOptions {
  return {
    rejectUnauthorized: true,
    secureContext: trust(),
    ...(serverName === undefined ? {} : { servername: serverName }),
  };
}

async function connectOnce(
  credential: PostgresCredential,
  ssl: ConnectionOptions | false,
  { signal }: RotatorContext,
): Promise<PostgresSession> {
  signal.throwIfAborted();
  const { default: pg } = await import('pg');
  // Ours, so that it can be destroyed in any phase: pg has no way to abort a connect or a query.
  const socket = new Socket();
  const client = new pg.Client({
    host: credential.host,
    port: credential.port,
    database: credential.database,
    user: credential.username,
    password: credential.password,
    ssl,
    application_name: 'keyturn',
    connectionTimeoutMillis: connectTimeoutMs,
    stream: () => socket,
  });
  // A connection that breaks between two queries shows in the next one; without a listener it ends the process.
  client.on('error', () => undefined);
  const login = watchLogin(client);
  const abort = (): void => {
    socket.destroy();
  };
  signal.addEventListener('abort', abort, { once: true });
  try {
    await client.connect();
  } catch (error) {
    signal.removeEventListener('abort', abort);
    socket.destroy();
    throw error;
  }
  const close = async (): Promise<void> => {
    await client.end().catch(() => undefined);
    socket.destroy();
    signal.removeEventListener('abort', abort);
  };
  return session(client, { encrypted: ssl !== false, login: login(), close });
}

function watchLogin({ connection }: Client): () => LoginMethod {
  let method: LoginMethod = 'none';
  connection.on('authenticationSASL', () => {
    method = 'scram-sha-256';
  });
  connection.on('authenticationMD5Password', () => {
    method = 'md5';
  });
  connection.on('authenticationCleartextPassword', () => {
    method = 'cleartext';
  });
  return () => method;
}

function session(
  client: Client,
  { encrypted, login, close }: Pick<PostgresSession, 'encrypted' | 'login' | 'close'>,
): PostgresSession {
  // Several statements in one message are one transaction, in which SET LOCAL lasts to its end.
  // https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-MULTI-STATEMENT
  const send = async <Row extends object>(statements: readonly string[]): Promise<Row[]> =>
    lastOf(await client.query<Row>(statements.join(';\n'))).rows;
  return {
    encrypted,
    login,
    // The method `trust` lets in whoever comes. A client certificate is none that a secret holds.
    isProof: login !== 'none',
    close,
    query: (statement) => send([ownNamesOnly, statement]),
    change: async (statements) => {
      await send([...asOneself, ...statements]);
    },
    changeStepwise: async (steps) => {
      try {
        await send(['BEGIN', ...asOneself]);
        await steps(async (statement) => {
          await client.query(statement);
        });
        await client.query('COMMIT');
      } catch (error) {
        await client.query('ROLLBACK').catch(() => undefined);
        throw error;
      }
    },
  };
}

/** pg answers a message of several statements with a list, which its types don't tell. */
function lastOf<Row extends object>(answer: QueryResult<Row> | QueryResult<Row>[]): { rows: Row[] } {
  return Array.isArray(answer) ? (answer.at(-1) ?? { rows: [] }) : answer;
}
