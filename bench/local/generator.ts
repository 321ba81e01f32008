import { openConnection } from './connection.ts';
import { httpRequest, inputOf, type LoadOperation } from './requests.ts';

/** The work of a generator. */
export interface Load {
  readonly port: number;
  readonly operation: LoadOperation;
  readonly connections: number;
  /** The first secret's number. Secrets are used in turns, but CreateSecret uses each number once. */
  readonly firstSecret: number;
  readonly secrets: number;
  /** The load ends after this number of requests, or after this time. */
  readonly requests?: number;
  readonly seconds?: number;
}

/** The result of a generator's work. */
export interface LoadResult {
  readonly requests: number;
  /** Answers with a status other than 200. */
  readonly refused: number;
  readonly seconds: number;
  /** The generator's own share of a core. Near 1, the generator is the limit. */
  readonly generatorShare: number;
}

async function generate(load: Load): Promise<LoadResult> {
  const { connections, firstSecret, secrets, operation, requests = Infinity, seconds = Infinity } = load;
  // The requests of a read are always the same, so they are made once.
  const isRead = operation === 'GetSecretValue' || operation === 'DescribeSecret';
  const made: Buffer[] = [];
  const make = (index: number): Buffer =>
    httpRequest(load.port, operation, inputOf(operation, firstSecret + index));
  const requestFor = (index: number): Buffer => {
    if (!isRead) return make(index);
    made[index] ??= make(index);
    return made[index];
  };
  let sent = 0;
  let refused = 0;
  const startedAt = performance.now();
  const startedCpu = process.cpuUsage();
  const endsAt = startedAt + seconds * 1000;
  const work = async (): Promise<void> => {
    const connection = openConnection(load.port);
    while (sent < requests && performance.now() < endsAt) {
      const request = requestFor(sent % secrets);
      sent += 1;
      const { status } = await connection.send(request);
      if (status !== 200) refused += 1;
    }
    connection.close();
  };
  await Promise.all(Array.from({ length: connections }, work));
  const elapsedMs = performance.now() - startedAt;
  const { user, system } = process.cpuUsage(startedCpu);
  return {
    requests: sent,
    refused,
    seconds: elapsedMs / 1000,
    generatorShare: (user + system) / 1000 / elapsedMs,
  };
}

process.on('message', async (load: Load) => {
  try {
    process.send?.({ result: await generate(load) });
  } catch (error) {
    process.send?.({ failure: error instanceof Error ? error.message : String(error) });
  }
});
