import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Client } from 'pg';
import {
  AdapterError,
  KeyturnError,
  missing,
  type RotatorContext,
  requireSuitable,
} from '../../src/rotator/index.ts';
import { connectTimeoutMs, destroyOnAbort } from '../database/connection.ts';
import type { PostgresCredential } from './credential.ts';
import { mostIterations } from './scram.ts';
import { createSession, type Login, type LoginMethod, type PostgresSession } from './session.ts';

/** The driver, loaded when first used. @throws DriverMissing */
export const loadDriver = async () => {
  requireSuitable('pg');
  try {
    return await import('pg');
  } catch (error) {
    return missing('pg')(error);
  }
};

/** A client on a connection that is open already. Sends nothing yet. @throws DriverMissing */
export async function createClient(
  socket: Socket,
  { database, username, password }: Pick<PostgresCredential, 'database' | 'username' | 'password'>,
): Promise<Client> {
  const { default: pg } = await loadDriver();
  const config = {
    // Not dialled: the socket is connected. Without a name, pg would take one from the environment.
    host: 'standing',
    // No application_name: a pooler would leave it on the session that the next client gets.
    database,
    user: username,
    password,
    ssl: false,
    connectionTimeoutMillis: connectTimeoutMs,
    scramMaxIterations: mostIterations,
    stream: () => standing(socket),
  };
  const client = new pg.Client(config);
  // A connection that breaks between two queries shows in the next one; without a listener it ends the process.
  client.on('error', () => undefined);
  return client;
}

/**
 * Logs in on a connection that is open already. An abort destroys the socket: pg can abort neither a connect nor a query.
 *
 * @throws what pg throws, and TargetFailed if the server asks for no password
 */
export async function logIn(
  socket: Socket,
  credential: PostgresCredential,
  { signal }: RotatorContext,
): Promise<PostgresSession> {
  const client = await createClient(socket, credential);
  const encrypted = socket instanceof TLSSocket;
  const seen = watchLogin(client);
  if (!encrypted && credential.ssl !== false) {
    // This listener comes before pg's, which would send the password itself to somebody who has removed TLS on the way.
    client.connection.on('authenticationCleartextPassword', () => {
      socket.destroy(new AdapterError('The server asks for the password itself on a connection without TLS'));
    });
  }
  return orClosed(client, socket, signal, async (close) => {
    await client.connect();
    const login = seen();
    if (login.method === 'none') throw noPasswordAsked(credential.username);
    return createSession(client, { encrypted, login, close });
  });
}

/** Works with a client. Destroys its connection if the work fails or is aborted: pg has no way to abort. */
export async function orClosed<T>(
  client: Client,
  socket: Socket,
  signal: AbortSignal,
  work: (close: () => Promise<void>) => Promise<T>,
): Promise<T> {
  const letGo = destroyOnAbort(socket, signal);
  const close = async (): Promise<void> => {
    await client.end().catch(() => undefined);
    socket.destroy();
    letGo();
  };
  try {
    signal.throwIfAborted();
    return await work(close);
  } catch (error) {
    letGo();
    socket.destroy();
    throw error;
  }
}

/**
 * Finds out how the server asks an account for its password. Ends the connection without an answer, so that the server
 * counts no refused login.
 *
 * @throws what the server says to an account that it does not even ask
 */
export async function probeLogin(
  socket: Socket,
  credential: PostgresCredential,
  { signal }: RotatorContext,
): Promise<LoginMethod> {
  const client = await createClient(socket, { ...credential, password: 'never sent' });
  const seen = watchLogin(client);
  const letGo = destroyOnAbort(socket, signal);
  // These listeners come before pg's own, which would answer.
  for (const asked of [
    'authenticationSASL',
    'authenticationMD5Password',
    'authenticationCleartextPassword',
  ]) {
    client.connection.on(asked, () => socket.destroy());
  }
  try {
    signal.throwIfAborted();
    await client.connect();
  } catch (error) {
    if (seen().method === 'none' || signal.aborted) throw error;
  } finally {
    letGo();
    socket.destroy();
  }
  return seen().method;
}

/** A password that nobody asked for proves neither that it works nor whose the account is. */
function noPasswordAsked(username: string): KeyturnError {
  return new KeyturnError(
    'TargetFailed',
    `The server lets "${username}" in without asking for a password, so that no password can be proven.`,
    'Change its entry in pg_hba.conf (trust, peer, cert or the like) or in its pooler to scram-sha-256.',
  );
}

/** pg connects its stream itself. This one is connected already, and only says so. */
function standing(socket: Socket): Socket {
  const connect = (): Socket => {
    process.nextTick(() => {
      // What is sent at once goes out as one packet.
      socket.cork();
      socket.emit('connect');
      socket.uncork();
    });
    return socket;
  };
  return Object.assign(socket, { connect });
}

/** Listens to what the server says during the login. Call the result for what was seen so far. */
export function watchLogin({ connection }: Client): () => Login {
  let method: LoginMethod = 'none';
  let scramIterations: number | undefined;
  const parameters = new Map<string, string>();
  connection.on('authenticationSASL', () => {
    method = 'scram-sha-256';
  });
  connection.on('authenticationMD5Password', () => {
    method = 'md5';
  });
  connection.on('authenticationCleartextPassword', () => {
    method = 'cleartext';
  });
  connection.on('authenticationSASLContinue', ({ data }: { readonly data: string }) => {
    const [, iterations] = /(?:^|,)i=(\d{1,9})(?:,|$)/.exec(data) ?? [];
    if (iterations !== undefined) scramIterations = Number(iterations);
  });
  connection.on(
    'parameterStatus',
    ({
      parameterName,
      parameterValue,
    }: {
      readonly parameterName: string;
      readonly parameterValue: string;
    }) => {
      parameters.set(parameterName, parameterValue);
    },
  );
  return () => ({ method, scramIterations, parameters });
}
