import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type ListenOptions } from 'node:net';

/**
 * Below the ports that systems give to outgoing connections and to servers that take any port (Linux: 32768 and up). So
 * none of those comes between the search for a port and the server that is to listen there. And 10000 above it there is a
 * port for the bus of a Redis cluster.
 */
const [lowest, highest] = [12_000, 22_000];

/** Finds a TCP port of this machine at which nothing listens. It is not found again while this process runs. */
export async function closedPort(): Promise<number> {
  for (;;) {
    const port = randomInt(lowest, highest);
    if ((await reserve(port)) && (await listens({ port, host: '127.0.0.1' }))) return port;
  }
}

/**
 * Keeps a port from the tests in other processes until this process ends. An abstract socket does that on Linux: it is as
 * unique on the machine as a port, and leaves no file behind. Elsewhere the ports are only unlikely to be the same.
 */
async function reserve(port: number): Promise<boolean> {
  return process.platform !== 'linux' || listens({ path: `\0keyturn-test-port-${port}` }, true);
}

/** Whether a server can listen there. @param stays whether it goes on, without keeping the process alive */
async function listens(where: ListenOptions, stays = false): Promise<boolean> {
  const server = createServer().listen(where);
  try {
    await once(server, 'listening');
  } catch {
    return false;
  }
  if (stays) server.unref();
  else await new Promise((resolve) => server.close(resolve));
  return true;
}
