import { Socket } from 'node:net';
import { type ConnectionOptions, createSecureContext, getCACertificates, type SecureContext } from 'node:tls';
import type { Client } from 'pg';
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

/** An open connection. */
export interface PostgresSession extends Session {
  readonly encrypted: boolean;
  /** Runs one statement; values are bound. */
  query<Row extends object>(statement: string, values?: readonly unknown[]): Promise<Row[]>;
  /** Runs statements in one transaction and one round trip. Nothing is bound: what goes in has to be quoted. */
  transact(statements: readonly string[]): Promise<void>;
}

/** AWS's templates wait as long, in ms. */
const connectTimeoutMs = 5_000;

/** Logs in; undefined where the server refuses the password. */
export type Connect = (
  credential: PostgresCredential,
  context: RotatorContext,
) => Promise<PostgresSession | undefined>;

/** The one way of a rotator to log in. */
export function createConnect(options: PostgresOptions): Connect {
  const trust = createTrust(options);
  const connect: Connect = async (credential, context) => {
    const { ssl, serverName } = credential;
    try {
      return await connectOnce(credential, ssl === false ? false : tlsOptions(serverName, trust), context);
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
  return connect;
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
  return session(client, ssl !== false, async () => {
    await client.end().catch(() => undefined);
    socket.destroy();
    signal.removeEventListener('abort', abort);
  });
}

function session(client: Client, encrypted: boolean, close: () => Promise<void>): PostgresSession {
  return {
    encrypted,
    close,
    query: async <Row extends object>(statement: string, values: readonly unknown[] = []) =>
      (await client.query<Row>(statement, [...values])).rows,
    // Several statements in one message are one transaction.
    // https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-MULTI-STATEMENT
    transact: async (statements) => {
      await client.query(statements.join(';\n'));
    },
  };
}
