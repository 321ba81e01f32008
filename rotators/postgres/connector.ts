import type { Socket } from 'node:net';
import { createSecureContext, type SecureContext } from 'node:tls';
import { AdapterError, type RotatorContext } from '../../src/rotator/index.ts';
import { authoritiesWith } from '../authorities.ts';
import { isLoginRefused, isTlsUnavailable, isUnreachable } from './classify.ts';
import type { PostgresCredential } from './credential.ts';
import { dial, type TlsWanted } from './dial.ts';
import type { Endpoint } from './endpoints.ts';
import { connectTimeoutMs, loadDriver, logIn, probeLogin } from './login.ts';
import type { Login, LoginMethod, PostgresSession } from './session.ts';

/** How the function connects, whatever the secret. */
export interface PostgresOptions {
  /** PEM of the authorities to trust besides Node.js's own; called when a connection needs it. */
  readonly ca?: () => string | undefined;
  /** Whether a secret without `ssl` may go over in plaintext when the server has no TLS. Default: no. */
  readonly allowPlaintext?: boolean;
}

/** A connection that was opened as far as it goes without the password. */
export interface Prepared {
  /** Logs in; undefined where the server refuses the password. Anew, if the connection was lost meanwhile. */
  open(context: RotatorContext): Promise<PostgresSession | undefined>;
  close(): void;
}

/** The one way of a rotator to log in. */
export interface Connector {
  /** Logs in; undefined where the server refuses the password. */
  open(credential: PostgresCredential, context: RotatorContext): Promise<PostgresSession | undefined>;
  /**
   * Opens a connection for a login that will follow a change, so that the time in which neither the old nor the new
   * password is known to readers has fewer round trips. Never throws: what goes wrong here shows again in `open`.
   */
  prepare(credential: PostgresCredential, context: RotatorContext): Promise<Prepared>;
  /** How an account would be asked for its password; `none` where it would be let in. Its own is not sent. */
  probe(credential: PostgresCredential, context: RotatorContext): Promise<LoginMethod>;
  /** What an account's last login has shown; undefined where it has not logged in yet. */
  loginOf(credential: PostgresCredential): Login | undefined;
}

/** Accounts whose last login is remembered: those of a rotation and some more. */
const mostRemembered = 16;

export function createConnector(options: PostgresOptions): Connector {
  const trust = createTrust(options);
  const logins = new Map<string, { readonly login: Login; readonly endpoint: Endpoint }>();

  const logInAt = async (
    endpoint: Endpoint,
    credential: PostgresCredential,
    context: RotatorContext,
    socket?: Socket,
  ): Promise<PostgresSession> => {
    const session = await logIn(
      socket ?? (await dialWith(endpoint, credential, context, trust, options)),
      credential,
      context,
    );
    remember(keyOf(credential), { login: session.login, endpoint });
    return session;
  };

  const remember = (key: string, seen: { readonly login: Login; readonly endpoint: Endpoint }): void => {
    logins.delete(key);
    logins.set(key, seen);
    const [oldest] = logins.keys();
    if (logins.size > mostRemembered && oldest !== undefined) logins.delete(oldest);
  };

  const open: Connector['open'] = async (credential, context) => {
    // Before anything is dialled, since it may be missing.
    await loadDriver();
    try {
      return await firstWritable(credential.endpoints, (endpoint) => logInAt(endpoint, credential, context));
    } catch (error) {
      if (isLoginRefused(error, credential.username)) return undefined;
      throw error;
    }
  };

  const prepare: Connector['prepare'] = async (credential, context) => {
    // Of several servers that which took the change: the other's connection would not know of it yet.
    const endpoint = logins.get(keyOf(credential))?.endpoint ?? credential.endpoints[0];
    let socket = await dialWith(endpoint, credential, context, trust, options).catch(() => undefined);
    // Without a listener, the error of a connection that is lost meanwhile would end the process.
    socket?.on('error', () => undefined);
    return {
      open: async (later) => {
        const prepared = socket;
        socket = undefined;
        if (prepared === undefined || prepared.destroyed || prepared.readableEnded)
          return open(credential, later);
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
    const socket = await dialWith(credential.endpoints[0], credential, context, trust, options);
    return probeLogin(socket, credential, context);
  };

  return { open, prepare, probe, loginOf: (credential) => logins.get(keyOf(credential))?.login };
}

function keyOf({ endpoints, username }: PostgresCredential): string {
  return JSON.stringify([endpoints, username]);
}

/**
 * Logs in at one server after the other, as libpq does with `target_session_attrs=prefer-read-write`: at the first that
 * takes changes, or else at the first that lets in. A server that is not there is passed over; a refused password ends
 * the search.
 *
 * @see https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNECT-TARGET-SESSION-ATTRS
 */
async function firstWritable(
  endpoints: readonly Endpoint[],
  logInAt: (endpoint: Endpoint) => Promise<PostgresSession>,
): Promise<PostgresSession> {
  let replica: PostgresSession | undefined;
  let lost: unknown;
  for (const [index, endpoint] of endpoints.entries()) {
    const isLast = index === endpoints.length - 1;
    try {
      const session = await logInAt(endpoint);
      if (endpoints.length === 1 || (await isWritable(session))) {
        await replica?.close();
        return session;
      }
      if (replica === undefined) replica = session;
      else await session.close();
    } catch (error) {
      if (!isUnreachable(error) || (isLast && replica === undefined)) {
        await replica?.close();
        throw lost ?? error;
      }
      lost ??= error;
    }
  }
  if (replica === undefined) throw lost ?? new RangeError('A credential has at least one endpoint.');
  return replica;
}

/** Servers from 14 on report this at the login. */
async function isWritable(session: PostgresSession): Promise<boolean> {
  const reported = session.login.parameters.get('in_hot_standby');
  if (reported !== undefined) return reported === 'off';
  const [row] = await session.query<{ replica: boolean }>('SELECT pg_catalog.pg_is_in_recovery() AS replica');
  return row?.replica === false;
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
      made = { pem, context: createSecureContext({ ca: authoritiesWith(pem) }) };
    }
    return made.context;
  };
}

/** Connects with TLS, and in plaintext only where the secret says so, or the function allows it. */
async function dialWith(
  endpoint: Endpoint,
  { ssl, serverName }: PostgresCredential,
  context: RotatorContext,
  trust: () => SecureContext | undefined,
  { allowPlaintext = false }: PostgresOptions,
): Promise<Socket> {
  const dialOnce = async (tls: TlsWanted | undefined): Promise<Socket> => {
    const controller = new AbortController();
    const timeout = Object.assign(new AdapterError(`no connection within ${connectTimeoutMs} ms`), {
      code: 'ETIMEDOUT',
    });
    const timer = setTimeout(() => controller.abort(timeout), connectTimeoutMs);
    try {
      return await dial(endpoint, tls, AbortSignal.any([context.signal, controller.signal]));
    } finally {
      clearTimeout(timer);
    }
  };
  if (ssl === false) return dialOnce(undefined);
  try {
    return await dialOnce({ secureContext: trust(), serverName });
  } catch (error) {
    if (ssl !== undefined || !allowPlaintext || !isTlsUnavailable(error)) throw error;
  }
  context.note(
    `The server at ${endpoint.host} has no TLS: connecting in plaintext, as KEYTURN_ALLOW_PLAINTEXT allows.`,
  );
  return dialOnce(undefined);
}
