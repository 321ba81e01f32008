import { createReadStream } from 'node:fs';
import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { type LocalSecretsManager, startLocalSecretsManager } from '../../src/local/index.ts';
import { type PostgresServer, startPostgres } from '../../test/support/postgres-server.ts';
import { startLatencyProxy } from './latency-proxy.ts';

/** The two servers of all rotations of a run. */
export interface Servers {
  readonly postgres: PostgresServer;
  readonly postgresVersion: string;
  /** The file with PostgreSQL's certificate authority. */
  readonly caFile: string;
  readonly local: LocalSecretsManager;
  /** Reaches the local Secrets Manager directly, as applications do. */
  readonly client: SecretsManagerClient;
}

/** How a function reaches the two servers: through proxies that add latency. */
export interface Network {
  readonly endpoint: string;
  readonly postgres: { readonly host: string; readonly port: number };
  /** Whether logins are encrypted, and the certificate checked. */
  readonly tls: boolean;
}

/** Starts both servers. Failed rotations are not retried: a failure ends the bench. */
export async function startServers(folder: string, resources: AsyncDisposableStack): Promise<Servers> {
  const postgres = await startPostgres();
  resources.defer(() => postgres.stop());
  const caFile = join(folder, 'ca.pem');
  await writeFile(caFile, postgres.ca ?? '');
  const local = await startLocalSecretsManager({
    retryDelaysMs: [],
    // Without this, it refuses requests by the proxies, because they name another port.
    hostNames: ['127.0.0.1'],
  });
  resources.defer(() => local.close());
  const client = new SecretsManagerClient(local.clientConfig);
  resources.defer(() => client.destroy());
  const postgresVersion = await postgres.asAdmin(async (admin) => {
    const { rows } = await admin.query<{ server_version: string }>('SHOW server_version');
    return rows[0]?.server_version ?? 'unknown';
  });
  return { postgres, postgresVersion, caFile, local, client };
}

/** Starts the proxies. @param network.addedMs the latency that is added to each round trip */
export async function startNetwork(
  { postgres, local }: Servers,
  { addedMs, tls }: { readonly addedMs: number; readonly tls: boolean },
  resources: AsyncDisposableStack,
): Promise<Network> {
  const { hostname: host, port } = new URL(local.url);
  const toSecretsManager = await startLatencyProxy({ host, port: Number(port) }, addedMs);
  resources.defer(() => toSecretsManager.close());
  const toPostgres = await startLatencyProxy(postgres, addedMs);
  resources.defer(() => toPostgres.close());
  return {
    endpoint: `http://127.0.0.1:${toSecretsManager.port}`,
    // The certificate is for localhost.
    postgres: { host: tls ? 'localhost' : '127.0.0.1', port: toPostgres.port },
    tls,
  };
}

/** Logins, as the server logs them. */
export interface Logins {
  readonly accepted: number;
  readonly refused: number;
}

/** Counts the logins that PostgreSQL logs while `act` runs. */
export async function countLogins({ postgres }: Servers, act: () => Promise<void>): Promise<Logins> {
  const { size } = await stat(postgres.logFile);
  await act();
  const log = await text(createReadStream(postgres.logFile, { start: size }));
  const count = (message: string): number => log.split(message).length - 1;
  return {
    accepted: count('connection authorized: '),
    refused: count('password authentication failed for user'),
  };
}
