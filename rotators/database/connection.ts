import { once } from 'node:events';
import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls, createSecureContext, type SecureContext, type TLSSocket } from 'node:tls';
import { AdapterError, KeyturnError, type RotatorContext } from '../../src/rotator/index.ts';
import { authoritiesWith } from '../authorities.ts';
import { codesOf } from '../network.ts';

/** How the function connects to databases, whatever the secret. */
export interface ConnectionOptions {
  /** PEM of the authorities to trust besides Node.js's own; called when a connection needs it. */
  readonly ca?: () => string | undefined;
  /** Whether a secret that does not say `ssl: true` may be sent in plaintext if the server has no TLS. Default: no. */
  readonly allowPlaintext?: boolean;
}

/** Time for a connection and its login, in ms. AWS's templates wait as long. */
export const connectTimeoutMs = 5_000;

/** Where to connect, and what ends the attempt. */
export interface Dialed {
  /** A name or an address. */
  readonly host: string;
  /** The TCP port. */
  readonly port: number;
  /** Destroys the socket when it fires. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Opens a TCP connection. Keyturn opens it, and not the driver, so that it can be destroyed in any phase, and checked
 * before a password is sent.
 *
 * @param opened called with the socket before it is connected
 * @throws the errors of Node.js, and the signal's reason
 */
export async function dial(
  { host, port, signal }: Dialed,
  opened: (socket: Socket) => void = () => undefined,
): Promise<Socket> {
  signal?.throwIfAborted();
  const socket = connect({ host, port, noDelay: true });
  // Between two users of the socket nobody listens. An error without a listener would end the process.
  socket.on('error', () => undefined);
  opened(socket);
  return orDestroyed(socket, signal, async () => {
    await once(socket, 'connect');
    return socket;
  });
}

/** The error for whoever waits for something that the signal has ended. */
export function abortError({ reason }: AbortSignal): Error {
  return reason instanceof Error ? reason : new AdapterError('The call was aborted.');
}

/** Works on a socket. The socket is destroyed if the work fails or is aborted. */
export async function orDestroyed<T>(
  socket: Socket,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  const abort = (): void => {
    if (signal !== undefined) socket.destroy(abortError(signal));
  };
  if (signal?.aborted === true) abort();
  signal?.addEventListener('abort', abort, { once: true });
  try {
    return await work();
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    signal?.removeEventListener('abort', abort);
  }
}

/** Gives work a signal that fires with the given one, or when {@link connectTimeoutMs} are over. */
export async function withinConnectTimeout<T>(
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const tooLate = new AdapterError(`no connection within ${connectTimeoutMs} ms`);
  const timer = setTimeout(
    () => controller.abort(Object.assign(tooLate, { code: 'ETIMEDOUT' })),
    connectTimeoutMs,
  );
  try {
    return await work(AbortSignal.any([signal, controller.signal]));
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Makes an abort destroy the connection. Drivers have no other way to stop a login or a statement.
 *
 * @returns a function that stops this; call it when the connection is closed
 */
export function destroyOnAbort(socket: Socket, signal: AbortSignal): () => void {
  const abort = (): void => {
    socket.destroy();
  };
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort, { once: true });
  return () => signal.removeEventListener('abort', abort);
}

/** Starts TLS on the connection. The certificate must name `serverName`, or `host` if there is none. */
async function startTls(
  socket: Socket,
  { host, serverName }: { readonly host: string; readonly serverName: string | undefined },
  secureContext: SecureContext | undefined,
  signal: AbortSignal,
): Promise<TLSSocket> {
  const secured = connectTls({
    socket,
    host,
    // A name for SNI can't be an address: https://www.rfc-editor.org/rfc/rfc6066#section-3
    ...(serverName === undefined && isIP(host) !== 0 ? {} : { servername: serverName ?? host }),
    rejectUnauthorized: true,
    ...(secureContext === undefined ? {} : { secureContext }),
  });
  secured.on('error', () => undefined);
  return orDestroyed(secured, signal, async () => {
    await once(secured, 'secureConnect');
    return secured;
  });
}

/**
 * Works at the first of several places that can be reached.
 *
 * @param isUnreachable whether an error means that another place may answer
 * @throws the error of the first place if none can be reached, and every other error at once
 */
export async function firstReachable<Place, T>(
  places: readonly Place[],
  isUnreachable: (error: unknown) => boolean,
  work: (place: Place) => Promise<T>,
): Promise<T> {
  let lost: unknown;
  for (const place of places) {
    try {
      return await work(place);
    } catch (error) {
      if (!isUnreachable(error)) throw error;
      lost ??= error;
    }
  }
  throw lost;
}

/** What a function trusts. A private CA is added to Node.js's own authorities and does not replace them. */
export interface Trust {
  /** PEM of all that is trusted; undefined: Node.js's own. */
  authorities(): string[] | undefined;
  /** The same, for `tls.connect`; undefined: Node.js's own. */
  secureContext(): SecureContext | undefined;
}

/** Makes what a function trusts. Its answers are kept: reading all the authorities takes longer than a login. */
export function createTrust({ ca }: ConnectionOptions): Trust {
  let made: { readonly pem: string; readonly authorities: string[]; context?: SecureContext } | undefined;
  const current = (): typeof made => {
    const pem = ca?.();
    if (pem === undefined) return undefined;
    if (made?.pem !== pem) made = { pem, authorities: authoritiesWith(pem) };
    return made;
  };
  return {
    authorities: () => current()?.authorities,
    secureContext: () => {
      const trusted = current();
      if (trusted === undefined) return undefined;
      trusted.context ??= createSecureContext({ ca: trusted.authorities });
      return trusted.context;
    },
  };
}

const tlsUnavailable = 'ERR_KEYTURN_TLS_UNAVAILABLE';

/** The error for a server without TLS. Throw it before anything secret is sent. */
export function withoutTls(): AdapterError {
  return Object.assign(new AdapterError('The server does not support encrypted connections'), {
    code: tlsUnavailable,
  });
}

/** Whether an error, or one of its causes, comes from {@link withoutTls}. */
export function isTlsUnavailable(error: unknown): boolean {
  return codesOf(error).includes(tlsUnavailable);
}

/**
 * Connects with TLS. It connects in plaintext only if the server has no TLS, the secret does not say `ssl: true`, and
 * the function allows it. A note then says so.
 *
 * @param attempt connects; throws {@link withoutTls} if the server lacks the wanted TLS
 * @throws TlsUnavailable
 */
export async function tlsFirst<T>(
  { host, ssl }: { readonly host: string; readonly ssl: boolean | undefined },
  { allowPlaintext = false }: ConnectionOptions,
  { note }: Pick<RotatorContext, 'note'>,
  attempt: (encrypted: boolean) => Promise<T>,
): Promise<T> {
  try {
    return await attempt(true);
  } catch (error) {
    if (!isTlsUnavailable(error)) throw error;
    if (ssl === true || !allowPlaintext) {
      throw new KeyturnError(
        'TlsUnavailable',
        `The server at ${host} has no TLS, so no password was sent to it.`,
        'Turn TLS on at the server. To allow plaintext instead, set KEYTURN_ALLOW_PLAINTEXT of the function, or (not for SQL Server) "ssl": false in the secret.',
        { cause: error },
      );
    }
  }
  note(`The server at ${host} has no TLS: connecting in plaintext, as KEYTURN_ALLOW_PLAINTEXT allows.`);
  return attempt(false);
}

/**
 * Connects for a login: TCP, then verified TLS. It uses plaintext if the secret says `ssl: false`, or if {@link
 * tlsFirst} allows it.
 *
 * @throws TlsUnavailable, an error with the code ETIMEDOUT, and those of Node.js
 */
export type Connect = (
  place: { readonly host: string; readonly port: number },
  login: { readonly ssl: boolean | undefined; readonly serverName: string | undefined },
  context: RotatorContext,
) => Promise<Socket | TLSSocket>;

/**
 * Makes the function by which an engine connects, for drivers that take an open connection.
 *
 * @param requestTls asks the server to start TLS, as the protocol does it; throws {@link withoutTls} if the server has
 *   none. Absent: the protocol begins with TLS
 */
export function createConnect(
  options: ConnectionOptions,
  requestTls: (socket: Socket) => Promise<void> = async () => undefined,
): Connect {
  const trust = createTrust(options);
  return ({ host, port }, { ssl, serverName }, context) => {
    const connectOnce = (encrypted: boolean): Promise<Socket | TLSSocket> =>
      withinConnectTimeout(context.signal, async (signal) => {
        const socket = await dial({ host, port, signal });
        if (!encrypted) return socket;
        await orDestroyed(socket, signal, () => requestTls(socket));
        return startTls(socket, { host, serverName }, trust.secureContext(), signal);
      });
    return ssl === false ? connectOnce(false) : tlsFirst({ host, ssl }, options, context, connectOnce);
  };
}
