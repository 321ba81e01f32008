import type { Generator } from './load.ts';
import { type ServerProcess, startKeyturn } from './servers.ts';

/** The cost of a large folder. Memory is resident memory, in bytes. */
export interface ScaleFigures {
  readonly secrets: number;
  /** How long it took to create the secrets, in seconds. */
  readonly createSeconds: number;
  /** From the process's start until it accepted a connection, in ms. */
  readonly startMs: number;
  readonly memoryAtStart: number;
  readonly reads: number;
  readonly readsPerSecond: number;
  /** Memory after each tenth of the reads. */
  readonly memoryWhileRead: readonly number[];
}

const creatingConnections = 128;
const samples = 10;

/** Creates secrets in a folder, restarts the server, and reads all of them repeatedly. */
export async function measureScale(
  scratch: string,
  dataDirectory: string,
  generator: Generator,
  {
    secrets,
    reads,
    connections,
  }: { readonly secrets: number; readonly reads: number; readonly connections: number },
): Promise<ScaleFigures> {
  const load = { firstSecret: 0, secrets, connections };
  const created = await withServer(startKeyturn(scratch, dataDirectory), ({ port }) =>
    generator.run({
      ...load,
      port,
      operation: 'CreateSecret',
      connections: creatingConnections,
      requests: secrets,
    }),
  );
  return withServer(startKeyturn(scratch, dataDirectory), async (server) => {
    const memoryAtStart = await server.memory();
    const memoryWhileRead: number[] = [];
    let seconds = 0;
    for (let sample = 0; sample < samples; sample++) {
      const requests = Math.ceil(reads / samples);
      const result = await generator.run({
        ...load,
        port: server.port,
        operation: 'GetSecretValue',
        requests,
      });
      seconds += result.seconds;
      memoryWhileRead.push(await server.memory());
    }
    return {
      secrets,
      createSeconds: created.seconds,
      startMs: server.startMs,
      memoryAtStart,
      reads,
      readsPerSecond: reads / seconds,
      memoryWhileRead,
    };
  });
}

async function withServer<T>(
  starting: Promise<ServerProcess>,
  use: (server: ServerProcess) => Promise<T>,
): Promise<T> {
  const server = await starting;
  try {
    return await use(server);
  } finally {
    await server.stop();
  }
}
