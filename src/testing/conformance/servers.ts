import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Address } from '../harness.ts';

/** Something that listens at this machine. */
export interface Listening {
  readonly address: Address;
  /** Cuts its connections and stops listening. */
  close(): Promise<void>;
}

// Certificates of test servers carry this name.
const host = 'localhost';

async function listen(server: Server): Promise<Listening> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket.on('error', () => undefined).on('close', () => sockets.delete(socket)));
  });
  server.listen(0, host);
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no port.');
  return {
    address: { host, port: address.port },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/**
 * An address of this machine at which nobody listens: a port that only a service long forgotten would take. One that was
 * free a moment ago may be somebody's by now, and `fetch` refuses port 1.
 */
export const closedAddress: Address = { host, port: 2 };

/** A server that accepts connections and never says a word. */
export interface SilentServer extends Listening {
  /** Resolves when the next one connects. */
  connection(): Promise<unknown>;
}

export async function startSilentServer(): Promise<SilentServer> {
  // Unread, a socket would never learn that the other side has hung up.
  const server = createServer((socket) => socket.resume());
  return { ...(await listen(server)), connection: () => once(server, 'connection') };
}

/** What becomes of something that a client sends: it goes on, it never arrives, or the connection breaks. */
export type Treatment = 'pass' | 'hold' | 'cut';

/** Another address of a target, at which things can happen. */
export interface Relay extends Listening {
  /** Asked about whatever clients send; at first all passes. */
  treat: () => Treatment;
}

/** Starts a server that hands on to another address what it receives, and back what that answers. */
export async function startRelay(to: Address): Promise<Relay> {
  const server = createServer((client) => {
    const target = connect(to.port, to.host);
    target.on('error', () => undefined).on('close', () => client.destroy());
    target.on('data', (chunk) => client.write(chunk));
    client.on('close', () => target.end());
    client.on('data', (chunk) => {
      const treatment = relay.treat();
      if (treatment === 'pass') target.write(chunk);
      if (treatment === 'cut') client.destroy();
    });
  });
  const relay: Relay = { ...(await listen(server)), treat: () => 'pass' };
  return relay;
}
