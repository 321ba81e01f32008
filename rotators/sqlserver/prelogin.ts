import type { Socket } from 'node:net';
import { withoutTls } from '../database/connection.ts';

const headerBytes = 8;
const encryptionOption = 1;
const terminator = 0xff;
const [encryptOff, encryptNotSupported] = [0, 2];

/**
 * Destroys the connection if the server answers PRELOGIN without encryption. tedious was asked to encrypt, but would go on
 * and send the password in plaintext. Only the destroyed socket stops it.
 *
 * @see https://learn.microsoft.com/openspecs/windows_protocols/ms-tds/60f56408-0188-4cd5-8b90-25c6f2423868
 */
export function requireEncryption(socket: Socket): void {
  let received = Buffer.alloc(0);
  const inspect = (chunk: Buffer): void => {
    received = Buffer.concat([received, chunk]);
    if (received.length < headerBytes || received.length < received.readUInt16BE(2)) return;
    socket.off('data', inspect);
    const encryption = optionOf(received.subarray(headerBytes), encryptionOption);
    if (encryption !== encryptOff && encryption !== encryptNotSupported) return;
    socket.destroy(withoutTls());
  };
  // tedious adds its own listener after it has got this socket. So this listener sees each chunk first.
  socket.on('data', inspect);
}

/** The first byte of an option's value. A PRELOGIN message is a list of (type, offset, length), and then the values. */
function optionOf(message: Buffer, wanted: number): number | undefined {
  for (let at = 0; at + 5 <= message.length && message[at] !== terminator; at += 5) {
    if (message[at] === wanted) return message[message.readUInt16BE(at + 1)];
  }
  return undefined;
}
