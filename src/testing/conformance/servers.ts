import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Address } from '../harness.ts';

/** A server on this machine. */
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
 * An address of this machine at which nothing listens. A port that was free a moment ago may be in use by now. So this is the
 * port of a service that nobody runs any more. It is not port 1, which `fetch` refuses.
 */
export const closedAddress: Address = { host, port: 2 };

/** A server that accepts connections and never answers. */
export interface SilentServer extends Listening {
  /** Resolves at the next connection. */
  connection(): Promise<unknown>;
}

/** Starts a server that never answers. */
export async function startSilentServer(): Promise<SilentServer> {
  // A socket must be read to notice that the other side has hung up.
  const server = createServer((socket) => socket.resume());
  return { ...(await listen(server)), connection: () => once(server, 'connection') };
}

/** What a relay does with a client's data: passes it on, drops it, or cuts the connection. */
export type Treatment = 'pass' | 'hold' | 'cut';

/** Another address of a target, whose connections can be disturbed. */
export interface Relay extends Listening {
  /** Decides on each chunk that clients send. At first, all pass. */
  treat: () => Treatment;
}

/** Starts a server that forwards connections to another address. */
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
