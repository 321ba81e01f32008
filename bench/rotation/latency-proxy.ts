import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** A TCP address of this machine that forwards to another one, with a delay. */
export interface LatencyProxy {
  readonly port: number;
  close(): Promise<void>;
}

/**
 * Forwards TCP connections, and makes every round trip `addedMs` longer: each direction takes half of that. Opening a
 * connection is a round trip too, so its first bytes wait for it.
 */
export async function startLatencyProxy(
  target: { readonly host: string; readonly port: number },
  addedMs: number,
): Promise<LatencyProxy> {
  const open = new Set<Socket>();
  const thereMs = Math.ceil(addedMs / 2);
  const backMs = addedMs - thereMs;
  const options = { noDelay: true, allowHalfOpen: true };
  const server = createServer(options, (client) => {
    const upstream = connect({ ...target, ...options });
    pass(client, upstream, { delayMs: thereMs, notBeforeMs: performance.now() + addedMs + thereMs });
    pass(upstream, client, { delayMs: backMs, notBeforeMs: 0 });
    for (const socket of [client, upstream]) {
      open.add(socket);
      socket.on('close', () => open.delete(socket));
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The proxy has no port.');
  return {
    port: address.port,
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      for (const socket of open) socket.destroy();
      await closed;
    },
  };
}

interface Delay {
  readonly delayMs: number;
  /** Nothing arrives before this moment (ms, monotonic). */
  readonly notBeforeMs: number;
}

function pass(from: Socket, to: Socket, { delayMs, notBeforeMs }: Delay): void {
  // Each waits for the one before it, because timers that are due at almost the same time may fire in the wrong order.
  let earlier = Promise.resolve();
  const later = (act: () => void): void => {
    const dueMs = Math.max(performance.now() + delayMs, notBeforeMs);
    earlier = earlier.then(() => until(dueMs)).then(act);
  };
  from.on('data', (bytes) => later(() => to.write(bytes)));
  from.on('end', () => later(() => to.end()));
  from.on('error', () => to.destroy());
}

/** Waits until a moment. If the moment has passed, there is no timer, because a timer of 0 ms takes 1 ms. */
async function until(momentMs: number): Promise<void> {
  const leftMs = momentMs - performance.now();
  if (leftMs > 0) await sleep(leftMs);
}
