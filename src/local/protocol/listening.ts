import { once } from 'node:events';
import type { Server } from 'node:http';

const connectionGraceMs = 1_000;

/** Resolves when the server listens. Rejects if it can't. */
export async function listen(server: Server, port: number, host: string): Promise<void> {
  const listening = once(server, 'listening');
  server.listen(port, host);
  await listening;
}

/** The server's address, such as `http://127.0.0.1:4584`. */
export function urlOf(server: Server): string {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no address');
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return `http://${host}:${address.port}`;
}

/** Closes the idle connections at once, and the others when their answers are sent, or after a second. */
export function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const cutAll = setTimeout(() => server.closeAllConnections(), connectionGraceMs);
    server.close(() => {
      clearTimeout(cutAll);
      resolve();
    });
    server.closeIdleConnections();
  });
}
