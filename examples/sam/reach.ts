import { once } from 'node:events';
import { connect, createServer, type Server } from 'node:net';
import { run } from './program.ts';

/** By this name a container finds the machine that it runs on. */
export const machine = 'host.docker.internal';

/**
 * Lets containers in to servers that listen on loopback, and nobody else: on Linux by forwarding the same ports of
 * Docker's own network. Docker Desktop does it by itself, and that network is in a machine of its own there.
 */
export async function openToContainers(
  ports: readonly number[],
  resources: AsyncDisposableStack,
): Promise<void> {
  const { stdout } = await run('docker', [
    ...['network', 'inspect', 'bridge', '--format'],
    '{{(index .IPAM.Config 0).Gateway}}',
  ]);
  for (const port of ports) {
    const server = forwarder(port);
    server.listen(port, stdout.trim());
    try {
      await once(server, 'listening');
      resources.defer(() => void server.close());
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EADDRNOTAVAIL')) throw error;
    }
  }
}

function forwarder(port: number): Server {
  return createServer((inside) => {
    const outside = connect(port, '127.0.0.1');
    inside.pipe(outside).pipe(inside);
    inside.on('error', () => outside.destroy());
    outside.on('error', () => inside.destroy());
  });
}
