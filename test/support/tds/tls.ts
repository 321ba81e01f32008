import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { type SecureContext, TLSSocket } from 'node:tls';
import { MessageReader, packetsOf, packetType } from './packets.ts';

/**
 * Starts TLS as in TDS 7.4: the handshake is wrapped in PRELOGIN packets, one message for each flight, and later records are
 * not wrapped.
 *
 * @param first the bytes received after the client's first PRELOGIN
 */
export function startTls(socket: Socket, secureContext: SecureContext, first: Buffer): TLSSocket {
  const reader = new MessageReader();
  let wrapped = true;
  let flight: Buffer[] = [];
  const sendFlight = (): void => {
    if (flight.length > 0) socket.write(packetsOf(packetType.prelogin, Buffer.concat(flight)));
    flight = [];
  };
  const wire = new Duplex({
    read: () => undefined,
    write: (chunk: Buffer, _encoding, callback) => {
      if (!wrapped) {
        socket.write(chunk, callback);
        return;
      }
      if (flight.push(chunk) === 1) setImmediate(sendFlight);
      callback();
    },
    final: (callback) => {
      socket.end(callback);
    },
  });
  const receive = (chunk: Buffer): void => {
    // TLS records after the handshake are not wrapped in TDS packets.
    if (wrapped && chunk[0] !== packetType.prelogin) wrapped = false;
    if (!wrapped) wire.push(chunk);
    else for (const { data } of reader.read(chunk)) wire.push(data);
  };
  socket.on('data', receive);
  socket.on('close', () => wire.destroy());
  if (first.length > 0) receive(first);
  return new TLSSocket(wire, { isServer: true, secureContext });
}
