import { progress } from '../support/arguments.ts';
import { median } from '../support/table.ts';
import type { Generator, LoadResult } from './load.ts';
import { type LoadOperation, loadOperations } from './requests.ts';
import type { ServerProcess } from './servers.ts';

/** How many secrets are read and written. */
const secrets = 100;

/** The throughput of one server. */
export interface Throughput {
  readonly server: string;
  /** Operations per second with status 200. */
  readonly perSecond: Readonly<Record<LoadOperation, number>>;
  /** Answers with another status. */
  readonly refused: number;
  /** The generator's largest share of a core. */
  readonly generatorShare: number;
}

export interface ThroughputOptions {
  readonly connections: number;
  readonly rounds: number;
  /** The duration of each round. */
  readonly seconds: number;
}

interface Sample extends LoadResult {
  readonly server: string;
  readonly operation: LoadOperation;
}

/** Measures the servers in turns, so that other load on the machine affects all of them alike. */
export async function measureThroughput(
  servers: ReadonlyMap<string, ServerProcess>,
  generator: Generator,
  { connections, rounds, seconds }: ThroughputOptions,
): Promise<Throughput[]> {
  await makeSecrets(servers, generator);
  const samples: Sample[] = [];
  let nextNew = secrets;
  for (const operation of loadOperations) {
    progress(operation);
    for (let round = 0; round < rounds; round++) {
      for (const [server, { port }] of servers) {
        const range =
          operation === 'CreateSecret' ? secretsFrom(nextNew) : { firstSecret: 0, secrets: secrets };
        const result = await generator.run({ port, operation, connections, seconds, ...range });
        samples.push({ server, operation, ...result });
        if (operation === 'CreateSecret') nextNew += result.requests;
      }
    }
  }
  return [...servers.keys()].map((server) => summarise(server, samples));
}

/** Creates secrets one at a time, since moto refuses some parallel ones. */
async function makeSecrets(servers: ReadonlyMap<string, ServerProcess>, generator: Generator): Promise<void> {
  for (const { port } of servers.values()) {
    const load = { ...secretsFrom(0), requests: secrets, connections: 1 };
    await generator.run({ port, operation: 'CreateSecret', ...load });
  }
}

function secretsFrom(firstSecret: number) {
  return { firstSecret, secrets: Number.MAX_SAFE_INTEGER };
}

function summarise(server: string, samples: readonly Sample[]): Throughput {
  const own = samples.filter((sample) => sample.server === server);
  const perSecond = (operation: LoadOperation): number =>
    median(
      own
        .filter((sample) => sample.operation === operation)
        .map(({ requests, refused, seconds }) => (requests - refused) / seconds),
    );
  return {
    server,
    perSecond: {
      GetSecretValue: perSecond('GetSecretValue'),
      DescribeSecret: perSecond('DescribeSecret'),
      PutSecretValue: perSecond('PutSecretValue'),
      CreateSecret: perSecond('CreateSecret'),
    },
    refused: own.reduce((sum, { refused }) => sum + refused, 0),
    generatorShare: Math.max(...own.map(({ generatorShare }) => generatorShare)),
  };
}
