import { once } from 'node:events';
import { isIP, Socket } from 'node:net';
import { checkServerIdentity, connect as connectTls, type SecureContext, type TLSSocket } from 'node:tls';
import {
  connectTimeoutMs,
  dial as dialTcp,
  orDestroyed,
  withinConnectTimeout,
  withoutTls,
} from '../database/connection.ts';
import { codeOf } from '../network.ts';
import { addressOf, type Node } from './credential.ts';
import { acceptsAnyPassword, connectionError, inProtectedMode, ServerError, tooOld } from './server-error.ts';

/** How a server has to prove its identity. */
export interface TlsWanted {
  /** The authorities to trust; undefined for Node.js's own. */
  readonly secureContext: SecureContext | undefined;
  /** The certificate has to carry one of these names. */
  readonly names: readonly [string, ...string[]];
}

/** The wait for an answer to the handshake, in ms. After it, Keyturn checks whether the server speaks plaintext. */
const probeAfterMs = 300;

/**
 * Opens a connection to a server: TCP, and TLS if it is wanted.
 *
 * @param signal ends it in any phase; the socket is destroyed then
 * @throws {@link withoutTls} if TLS is wanted and the server has none
 */
export function dial(
  node: Node,
  tls: TlsWanted | undefined,
  signal: AbortSignal,
): Promise<Socket | TLSSocket> {
  return withinConnectTimeout(signal, async (within) => {
    const socket = await dialTcp({ ...node, signal: within });
    return tls === undefined ? socket : startTls(socket, node, tls, within);
  });
}

/** Node.js's codes for an answer in plaintext, which is no TLS record. */
const plaintext = /^(ERR_SSL_WRONG_VERSION_NUMBER|ERR_SSL_PACKET_LENGTH_TOO_LONG|EPROTO)$/;

/** Not the databases' startTls: here a certificate may have one of several names, and a server without TLS does not say so. */
async function startTls(
  socket: Socket,
  node: Node,
  { names, secureContext }: TlsWanted,
  signal: AbortSignal,
): Promise<TLSSocket> {
  const secured = connectTls({
    socket,
    // A name for SNI can't be an address: https://www.rfc-editor.org/rfc/rfc6066#section-3
    ...(isIP(names[0]) === 0 && { servername: names[0] }),
    rejectUnauthorized: true,
    checkServerIdentity: (_host, certificate) => {
      const errors = names.map((name) => checkServerIdentity(name, certificate));
      return errors.includes(undefined) ? undefined : errors[0];
    },
    ...(secureContext === undefined ? {} : { secureContext }),
  });
  secured.on('error', () => undefined);
  const probe = probePlaintext(node, () => secured.destroy(withoutTls()));
  try {
    await orDestroyed(secured, signal, () => once(secured, 'secureConnect'));
    return secured;
  } catch (error) {
    throw plaintext.test(codeOf(error)) ? withoutTls() : error;
  } finally {
    probe.stop();
  }
}

/**
 * Finds out that a server speaks plaintext although TLS is expected. Such a server does not answer the handshake,
 * because it waits for the end of a line. It gets a PING on a second connection, and nothing secret.
 */
function probePlaintext(node: Node, found: () => void): { stop(): void } {
  let socket: Socket | undefined;
  const timer = setTimeout(() => {
    socket = new Socket().on('error', () => undefined).connect(node);
    socket.once('connect', () => socket?.write('PING\r\n'));
    socket.once('data', (answer) => {
      // A server with TLS answers PING with an alert.
      if (/^[+-]/.test(answer.toString('latin1'))) found();
    });
  }, probeAfterMs);
  return {
    stop: () => {
      clearTimeout(timer);
      socket?.destroy();
    },
  };
}

/**
 * Logs in on a connection that nobody else uses yet. The driver does not do it, because the variable DEBUG makes it
 * print all that it sends.
 *
 * @returns whether the server accepts the password
 * @throws ServerError for any answer but a refusal; TargetFailed for a server older than Redis 6, or in protected mode
 * @see https://redis.io/docs/latest/commands/auth/
 */
export async function authenticate(
  socket: Socket,
  node: Node,
  { username, password }: { readonly username: string; readonly password: string },
  signal: AbortSignal,
): Promise<boolean> {
  const words = ['AUTH', username, password].map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
  // Before a login everybody is `default`. If `default` needs no password, a login as `default` proves nothing.
  const isDefault = username === 'default';
  const request = `${isDefault ? '*1\r\n$4\r\nPING\r\n' : ''}*3\r\n${words.join('')}`;
  const [answer = '', before] = (await ask(socket, node, request, isDefault ? 2 : 1, signal)).reverse();
  if (before === '+PONG') throw acceptsAnyPassword(username, addressOf(node));
  if (answer === '+OK') return true;
  // The server answers the same to a wrong password, to a user that does not exist, and to one that is off.
  if (answer.startsWith('-WRONGPASS ')) return false;
  // Redis before version 6 answers this: https://github.com/redis/redis/blob/5.0/src/server.c
  if (answer.startsWith("-ERR wrong number of arguments for 'auth'")) throw tooOld(addressOf(node));
  if (answer.startsWith('-DENIED ')) throw inProtectedMode(addressOf(node));
  throw new ServerError(answer.replace(/^-/, ''));
}

/** Sends commands, and reads one line as the answer to each. */
async function ask(
  socket: Socket,
  node: Node,
  request: string,
  count: number,
  signal: AbortSignal,
): Promise<string[]> {
  const late = connectionError('ETIMEDOUT', `${addressOf(node)} does not answer to a login`);
  const timer = setTimeout(() => socket.destroy(late), connectTimeoutMs);
  const answers = (): Promise<string[]> =>
    new Promise((resolve, reject) => {
      let answer = '';
      const end = (settle: () => void): void => {
        socket.off('data', hear).off('error', fail).off('close', close).pause();
        settle();
      };
      const fail = (error: Error): void => end(() => reject(error));
      const linesOf = (): string[] => answer.split('\r\n').slice(0, -1);
      // A server that takes no connection says so in a single line: too many clients, or protected mode.
      const close = (): void => {
        if (/^-.*\r\n$/.test(answer)) end(() => resolve(linesOf()));
        else
          fail(
            connectionError('ECONNRESET', `${addressOf(node)} has ended the connection before it answered`),
          );
      };
      const hear = (chunk: Buffer): void => {
        answer += chunk.toString('latin1');
        const lines = linesOf();
        const isOver = lines.length >= count || lines[0]?.startsWith('-ERR max number of clients') === true;
        if (isOver && answer.endsWith('\r\n')) end(() => resolve(lines));
      };
      socket.on('data', hear).once('error', fail).once('close', close);
      socket.write(request);
    });
  return orDestroyed(socket, signal, answers).finally(() => clearTimeout(timer));
}
