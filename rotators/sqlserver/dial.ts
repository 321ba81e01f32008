import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { AdapterError } from '../../src/rotator/index.ts';
import { withoutTls } from './classify.ts';

/** Where to connect, and what ends the attempt. */
export interface Dialed {
  readonly host: string;
  readonly port: number;
  readonly signal?: AbortSignal | undefined;
}

/** Opens a TCP connection. Ours, so that it can be destroyed in any phase, and looked at before a password is sent. */
export async function dial(
  { host, port, signal }: Dialed,
  opened: (socket: Socket) => void,
): Promise<Socket> {
  signal?.throwIfAborted();
  const socket = connect({ host, port, noDelay: true });
  // Whoever works with the socket hears of an error too; this one is for the moments in which nobody does.
  socket.on('error', () => undefined);
  opened(socket);
  const giveUp = (): void => {
    socket.destroy(new AdapterError('The time for connecting is up.'));
  };
  signal?.addEventListener('abort', giveUp, { once: true });
  try {
    await once(socket, 'connect');
    return socket;
  } finally {
    signal?.removeEventListener('abort', giveUp);
  }
}

const headerBytes = 8;
const encryptionOption = 1;
const terminator = 0xff;
const [encryptOff, encryptNotSupported] = [0, 2];

/**
 * Cuts the connection when the server answers PRELOGIN without encryption. tedious, though asked to encrypt, would go
 * on and send the password in the clear; it is the destroyed socket that keeps it from that.
 *
 * @see https://learn.microsoft.com/openspecs/windows_protocols/ms-tds/60f56408-0188-4cd5-8b90-25c6f2423868
 */
export function requireEncryption(socket: Socket): void {
  let received = Buffer.alloc(0);
  const look = (chunk: Buffer): void => {
    received = Buffer.concat([received, chunk]);
    if (received.length < headerBytes || received.length < received.readUInt16BE(2)) return;
    socket.off('data', look);
    const encryption = optionOf(received.subarray(headerBytes), encryptionOption);
    if (encryption !== encryptOff && encryption !== encryptNotSupported) return;
    const error = new AdapterError('The server does not support encrypted connections.');
    socket.destroy(Object.assign(error, { code: withoutTls }));
  };
  // Before tedious's own listener, which it adds after it has this socket: so this one sees each chunk first.
  socket.on('data', look);
}

/** First byte of an option of a PRELOGIN message: a list of (type, offset, length), then the values. */
function optionOf(message: Buffer, wanted: number): number | undefined {
  for (let at = 0; at + 5 <= message.length && message[at] !== terminator; at += 5) {
    if (message[at] === wanted) return message[message.readUInt16BE(at + 1)];
  }
  return undefined;
}
