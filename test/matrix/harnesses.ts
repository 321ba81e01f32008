import type { RotatorHarness } from '../../src/testing/index.ts';
import { postgresHarness } from '../rotators/postgres/harness.ts';
import { sqlServerHarness } from '../rotators/sqlserver/harness.ts';
import { startPostgres } from '../support/postgres-server.ts';
import { realHarness, standInHarness } from '../support/tds/harness.ts';

/** A rotator with its target, which is started when the matrix comes to it. */
export interface Subject {
  readonly rotator: string;
  start(): Promise<{ readonly harness: RotatorHarness; stop(): Promise<void> }>;
}

/** Every rotator and strategy of the repository. @param sqlServerUrl an ADO.NET connection string of an admin */
export function subjects(sqlServerUrl: string | undefined): Subject[] {
  return [
    { rotator: 'postgres', start: () => startOnPostgres('single') },
    { rotator: 'postgres-alternating-users', start: () => startOnPostgres('alternating') },
    { rotator: 'sqlserver', start: () => startOnSqlServer('single', sqlServerUrl) },
    { rotator: 'sqlserver-alternating-users', start: () => startOnSqlServer('alternating', sqlServerUrl) },
  ];
}

async function startOnPostgres(kind: 'single' | 'alternating') {
  const server = await startPostgres({ settings: ['max_connections = 200'] });
  const { ca } = server;
  if (ca === undefined) throw new Error('The server has TLS.');
  const harness = postgresHarness({ ...server, ca }, kind);
  return {
    harness,
    stop: async () => {
      await harness.stop();
      await server.stop();
    },
  };
}

async function startOnSqlServer(kind: 'single' | 'alternating', url: string | undefined) {
  const server = await (url ? realHarness(url) : standInHarness());
  return { harness: sqlServerHarness(server, kind), stop: () => server.stop() };
}
