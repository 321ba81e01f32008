import { median } from '../support/table.ts';
import type { Generator, LoadResult } from './load.ts';
import { type LoadOperation, loadOperations } from './requests.ts';
import type { ServerProcess } from './servers.ts';

/** How many secrets there are to read and to write. */
const SECRETS = 1_000;

/** Operations per second of one server. */
export interface Throughput {
  readonly server: string;
  readonly perSecond: Readonly<Partial<Record<LoadOperation, number>>>;
  /** The largest share of a core that the generator took in any of these. */
  readonly generatorShare: number;
}

export interface ThroughputOptions {
  readonly connections: number;
  readonly rounds: number;
  /** Of each round. */
  readonly seconds: number;
}

/** Measures the servers in turns, so that whatever else the machine does hits all of them alike. */
export async function measureThroughput(
  servers: ReadonlyMap<string, ServerProcess>,
  generator: Generator,
  { connections, rounds, seconds }: ThroughputOptions,
): Promise<Throughput[]> {
  const results = new Map([...servers.keys()].map((name) => [name, new Map<LoadOperation, LoadResult[]>()]));
  let nextNewSecret = SECRETS;
  const run = (port: number, operation: LoadOperation, limit: { requests?: number; seconds?: number }) => {
    const creates = operation === 'CreateSecret';
    const firstSecret = creates ? nextNewSecret : 0;
    const secrets = creates ? Number.MAX_SAFE_INTEGER : SECRETS;
    return generator.run({ port, operation, connections, firstSecret, secrets, ...limit });
  };
  for (const { port } of servers.values()) {
    nextNewSecret = 0;
    await run(port, 'CreateSecret', { requests: SECRETS });
  }
  nextNewSecret = SECRETS;
  for (const operation of loadOperations) {
    for (let round = 0; round < rounds; round++) {
      for (const [name, { port }] of servers) {
        const result = await run(port, operation, { seconds });
        const byOperation = results.get(name);
        byOperation?.set(operation, [...(byOperation.get(operation) ?? []), result]);
        if (operation === 'CreateSecret') nextNewSecret += result.requests;
      }
    }
  }
  return [...results].map(([server, byOperation]) => summarise(server, byOperation));
}

function summarise(server: string, results: ReadonlyMap<LoadOperation, readonly LoadResult[]>): Throughput {
  const perSecond = [...results].map(([operation, rounds]) => [
    operation,
    median(rounds.map(({ requests, seconds }) => requests / seconds)),
  ]);
  const shares = [...results.values()].flat().map(({ generatorShare }) => generatorShare);
  return { server, perSecond: Object.fromEntries(perSecond), generatorShare: Math.max(...shares) };
}
