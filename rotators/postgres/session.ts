import { Socket } from 'node:net';
import { type ConnectionOptions, getCACertificates } from 'node:tls';
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
}

/** AWS's templates wait as long, in ms. */
const connectTimeoutMs = 5_000;

/** Logs in; undefined where the server refuses the password. */
export async function connect(
  credential: PostgresCredential,
  options: PostgresOptions,
  context: RotatorContext,
): Promise<PostgresSession | undefined> {
  try {
    return await connectOnce(
      credential,
      credential.ssl === false ? false : tlsOptions(credential, options),
      context,
    );
  } catch (error) {
    if (isRefusal(error)) return undefined;
    const mayFallBack = credential.ssl === undefined && options.allowPlaintext === true;
    if (!mayFallBack || !isTlsUnavailable(error)) throw error;
  }
  context.note(
    `The server at ${credential.host} has no TLS: connecting in plaintext, as KEYTURN_ALLOW_PLAINTEXT allows.`,
  );
  return connect({ ...credential, ssl: false }, options, context);
}

function tlsOptions({ serverName }: PostgresCredential, options: PostgresOptions): ConnectionOptions {
  const ca = options.ca?.();
  return {
    rejectUnauthorized: true,
    // Node.js takes `ca` instead of its own authorities, not besides them.
    ...(ca === undefined ? {} : { ca: [...getCACertificates('default'), ca] }),
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
  };
}
