import { once } from 'node:events';
import { isIP, Socket } from 'node:net';
import { connect as connectTls, type SecureContext, type TLSSocket } from 'node:tls';
import { AdapterError } from '../../src/rotator/index.ts';
import type { Endpoint } from './endpoints.ts';

/** How the other end has to prove who it is. */
export interface TlsWanted {
  /** What is trusted besides Node.js's own authorities. */
  readonly secureContext: SecureContext | undefined;
  /** The name to expect in the certificate; absent: the host's. */
  readonly serverName: string | undefined;
}

/** The code of an error for a server that has no TLS. */
export const tlsUnavailable = 'ERR_POSTGRES_TLS_UNAVAILABLE';

/** Asks the server to speak TLS from here on: https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-SSL */
const sslRequest = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);

/**
 * A connection on which nothing is missing but the start-up packet: TCP stands, and TLS where it is wanted. The server
 * reads the account's verifier after that packet only.
 *
 * @param signal ends it in any phase; the socket is destroyed then
 */
export async function dial(
  { host, port }: Endpoint,
  tls: TlsWanted | undefined,
  signal: AbortSignal,
): Promise<Socket | TLSSocket> {
  signal.throwIfAborted();
  // Between two waits nobody would listen, and an error without a listener ends the process.
  const socket = new Socket().on('error', () => undefined);
  let current: Socket | TLSSocket = socket;
  const abort = (): void => {
    current.destroy(abortError(signal));
  };
  signal.addEventListener('abort', abort, { once: true });
  try {
    const connected = once(socket, 'connect');
    socket.setNoDelay(true).connect({ host, port });
    await connected;
    if (tls === undefined) return socket;
    await requestTls(socket);
    current = connectTls({
      socket,
      host,
      // A name for SNI can't be an address: https://www.rfc-editor.org/rfc/rfc6066#section-3
      ...(tls.serverName === undefined && isIP(host) !== 0 ? {} : { servername: tls.serverName ?? host }),
      rejectUnauthorized: true,
      ...(tls.secureContext === undefined ? {} : { secureContext: tls.secureContext }),
    });
    current.on('error', () => undefined);
    await once(current, 'secureConnect');
    return current;
  } catch (error) {
    current.destroy();
    socket.destroy();
    throw error;
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/** The error for whoever waits on a socket that an abort has destroyed. */
export function abortError(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new Error('The call was aborted.');
}

/** @throws an error with the code `tlsUnavailable` where the server has none */
async function requestTls(socket: Socket): Promise<void> {
  const answered = once(socket, 'data');
  const ended = once(socket, 'close');
  // Whichever comes second is not waited for; it may be a rejection.
  ended.catch(() => undefined);
  answered.catch(() => undefined);
  socket.write(sslRequest);
  const [first]: unknown[] = await Promise.race([answered, ended]);
  socket.pause();
  const answer = Buffer.isBuffer(first) ? first.toString('latin1') : '';
  if (answer === 'S') return;
  if (answer === 'N') {
    throw Object.assign(new AdapterError('The server does not support SSL connections'), {
      code: tlsUnavailable,
    });
  }
  // More than one byte could be what somebody has put in before TLS: CVE-2021-23222.
  throw Object.assign(new AdapterError('The server gave no proper answer to the request for TLS'), {
    code: 'ECONNRESET',
  });
}
