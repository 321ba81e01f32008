import { once } from 'node:events';
import { connect, createServer, type Server } from 'node:net';
import { run } from './program.ts';

/** The name under which a container reaches its machine. */
export const machine = 'host.docker.internal';

/**
 * Lets only containers reach servers on loopback. On Linux it forwards the same ports of Docker's own network. Docker
 * Desktop does that by itself.
 */
export async function openToContainers(
  ports: readonly number[],
  resources: AsyncDisposableStack,
): Promise<void> {
  const { stdout } = await run('docker', ['network', 'inspect', 'bridge']);
  const address = bridgeAddress(JSON.parse(stdout));
  for (const port of ports) {
    const server = forwarder(port);
    server.listen(port, address);
    try {
      await once(server, 'listening');
      resources.defer(() => void server.close());
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EADDRNOTAVAIL')) throw error;
    }
  }
}

/**
 * The address at which containers reach this machine. An engine that has just started names no gateway yet. Then the address
 * is the first one of the bridge's subnet. It is never empty: with an empty one, a server would listen on all interfaces.
 *
 * @param networks the answer of `docker network inspect bridge`
 */
export function bridgeAddress(networks: unknown): string {
  const gateway = textAt(networks, 0, 'IPAM', 'Config', 0, 'Gateway');
  if (gateway !== undefined) return gateway;
  const subnet = /^(\d+\.\d+\.\d+)\.(\d+)\/\d+$/.exec(
    textAt(networks, 0, 'IPAM', 'Config', 0, 'Subnet') ?? '',
  );
  if (subnet !== null) return `${subnet[1]}.${Number(subnet[2]) + 1}`;
  throw new Error(
    'Docker names neither gateway nor subnet of its network "bridge". Start a container once (docker run hello-world), and try again.',
  );
}

function textAt(value: unknown, ...path: readonly (string | number)[]): string | undefined {
  let at = value;
  for (const key of path) at = typeof at === 'object' && at !== null ? Reflect.get(at, key) : undefined;
  return typeof at === 'string' && at !== '' ? at : undefined;
}

function forwarder(port: number): Server {
  return createServer((inside) => {
    const outside = connect(port, '127.0.0.1');
    inside.pipe(outside).pipe(inside);
    inside.on('error', () => outside.destroy());
    outside.on('error', () => inside.destroy());
  });
}
