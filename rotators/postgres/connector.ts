import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Prepared, RotatorContext } from '../../src/rotator/index.ts';
import { type ConnectionOptions, createConnect, firstReachable } from '../database/connection.ts';
import { isLoginRefused, isUnreachable } from './classify.ts';
import type { PostgresCredential } from './credential.ts';
import type { Endpoint } from './endpoints.ts';
import { loadDriver, logIn, probeLogin } from './login.ts';
import { logInAhead } from './login-ahead.ts';
import { requestTls } from './request-tls.ts';
import type { Login, LoginMethod, PostgresSession } from './session.ts';

/** How the function connects, for all secrets. */
export type PostgresOptions = ConnectionOptions;

/** How a rotator logs in. */
export interface Connector {
  /** Logs in. Undefined if the server refuses the password. @throws DriverMissing, and what {@link logIn} throws */
  open(credential: PostgresCredential, context: RotatorContext): Promise<PostgresSession | undefined>;
  /**
   * Opens a connection before a change, for the login that follows the change. No reader of the secret can log in between
   * the change and the move of AWSCURRENT, and this saves round trips in that time. Never throws: an error here shows
   * again in `open`.
   */
  prepare(credential: PostgresCredential, context: RotatorContext): Promise<Prepared<PostgresSession>>;
  /**
   * How the server would ask an account for its password; `none` if it would let the account in without one. No password
   * is sent.
   */
  probe(credential: PostgresCredential, context: RotatorContext): Promise<LoginMethod>;
  /** What an account's last login has shown. Undefined if it has not logged in yet. */
  loginOf(credential: PostgresCredential): Login | undefined;
}

/** An account's last login. */
interface Seen {
  readonly login: Login;
  readonly endpoint: Endpoint;
  readonly database: string;
  readonly encrypted: boolean;
  /** False once {@link logInAhead} has failed and an ordinary login with the same password has succeeded. */
  readonly readsAhead: boolean;
}

/** Accounts whose last login is remembered: those of a rotation and some more. */
const mostRemembered = 16;

export function createConnector(options: PostgresOptions): Connector {
  const connect = createConnect(options, requestTls);
  const logins = new Map<string, Seen>();

  const logInAt = async (
    endpoint: Endpoint,
    credential: PostgresCredential,
    context: RotatorContext,
    socket?: Socket,
  ): Promise<PostgresSession> => {
    const session = await logIn(
      socket ?? (await connect(endpoint, credential, context)),
      credential,
      context,
    );
    remember(endpoint, credential, session);
    return session;
  };

  const remember = (
    endpoint: Endpoint,
    credential: PostgresCredential,
    { login, encrypted }: PostgresSession,
  ): void => {
    const key = keyOf(credential);
    const { database } = credential;
    const seen = { login, endpoint, database, encrypted, readsAhead: logins.get(key)?.readsAhead ?? true };
    logins.delete(key);
    logins.set(key, seen);
    const [oldest] = logins.keys();
    if (logins.size > mostRemembered && oldest !== undefined) logins.delete(oldest);
  };

  const open: Connector['open'] = async (credential, context) => {
    // The driver may be missing, so it is loaded before anything is dialled.
    await loadDriver();
    try {
      return await firstWritable(credential.endpoints, (endpoint) => logInAt(endpoint, credential, context));
    } catch (error) {
      if (isLoginRefused(error, credential.username)) return undefined;
      throw error;
    }
  };

  /**
   * Whether a login on this socket can be begun ahead. The server has to ask for SCRAM, as at the account's last login.
   * pg_hba.conf may ask for something else in another database, or with TLS and without.
   */
  const canLogInAhead = (credential: PostgresCredential, socket: Socket): boolean => {
    const seen = logins.get(keyOf(credential));
    return (
      seen?.login.method === 'scram-sha-256' &&
      seen.readsAhead &&
      seen.database === credential.database &&
      seen.encrypted === socket instanceof TLSSocket
    );
  };

  const openAhead = async (
    endpoint: Endpoint,
    credential: PostgresCredential,
    context: RotatorContext,
    socket: Socket,
  ): Promise<PostgresSession | undefined> => {
    const answer = await logInAhead(socket, credential, context);
    if (answer === 'refused') return undefined;
    if (answer !== undefined) {
      remember(endpoint, credential, answer);
      return answer;
    }
    const session = await open(credential, context);
    if (session === undefined) return undefined;
    const key = keyOf(credential);
    const seen = logins.get(key);
    if (seen !== undefined) logins.set(key, { ...seen, readsAhead: false });
    context.note(
      'The server did not take a login whose first two messages came together. Keyturn logged in again.',
    );
    return session;
  };

  const prepare: Connector['prepare'] = async (credential, context) => {
    // Of several servers the one where the account logged in last: another may not know the new password yet.
    const endpoint = logins.get(keyOf(credential))?.endpoint ?? credential.endpoints[0];
    let socket = await connect(endpoint, credential, context).catch(() => undefined);
    // Without a listener, the error of a connection that is lost meanwhile would end the process.
    socket?.on('error', () => undefined);
    return {
      open: async (later) => {
        const prepared = socket;
        socket = undefined;
        if (prepared === undefined || prepared.destroyed || prepared.readableEnded)
          return open(credential, later);
        if (canLogInAhead(credential, prepared)) return openAhead(endpoint, credential, later, prepared);
        try {
          return await logInAt(endpoint, credential, later, prepared);
        } catch (error) {
          if (isLoginRefused(error, credential.username)) return undefined;
          if (isUnreachable(error)) return open(credential, later);
          throw error;
        }
      },
      close: () => socket?.destroy(),
    };
  };

  const probe: Connector['probe'] = async (credential, context) => {
    return firstReachable(credential.endpoints, isUnreachable, async (endpoint) =>
      probeLogin(await connect(endpoint, credential, context), credential, context),
    );
  };

  return { open, prepare, probe, loginOf: (credential) => logins.get(keyOf(credential))?.login };
}

function keyOf({ endpoints, username }: PostgresCredential): string {
  return JSON.stringify([endpoints, username]);
}

/**
 * Logs in at one server after the other. Returns the session of the first one that takes changes, as libpq does with
 * `target_session_attrs=read-write`. If none takes changes, it is the session of the first one that lets in. A server
 * that can't be reached is passed over. A refused password ends the search.
 *
 * @throws the first server's error if none can be reached
 * @see https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNECT-TARGET-SESSION-ATTRS
 */
async function firstWritable(
  endpoints: readonly Endpoint[],
  logInAt: (endpoint: Endpoint) => Promise<PostgresSession>,
): Promise<PostgresSession> {
  let replica: PostgresSession | undefined;
  let lost: unknown;
  for (const endpoint of endpoints) {
    try {
      const session = await logInAt(endpoint);
      if (endpoints.length === 1 || (await closedUnlessAnswered(session, isWritable))) {
        await replica?.close();
        return session;
      }
      if (replica === undefined) replica = session;
      else await session.close();
    } catch (error) {
      if (!isUnreachable(error)) {
        await replica?.close();
        throw error;
      }
      lost ??= error;
    }
  }
  if (replica === undefined) throw lost;
  return replica;
}

/** Asks through a session, and closes it if that fails. */
async function closedUnlessAnswered<Answer>(
  session: PostgresSession,
  ask: (session: PostgresSession) => Promise<Answer>,
): Promise<Answer> {
  try {
    return await ask(session);
  } catch (error) {
    await session.close();
    throw error;
  }
}

/** Whether a session's server takes changes. Servers from 14 on report this at the login; older ones are asked. */
async function isWritable(session: PostgresSession): Promise<boolean> {
  const reported = session.login.parameters.get('in_hot_standby');
  if (reported !== undefined) return reported === 'off';
  const [row] = await session.query<{ replica: boolean }>('SELECT pg_catalog.pg_is_in_recovery() AS replica');
  return row?.replica === false;
}
