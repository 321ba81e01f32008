import type { ApiDescription } from '../../rotators/api-token/index.ts';
import type { RotatorHarness } from '../../src/testing/index.ts';
import { apiTokenHarness } from '../rotators/api-token/harness.ts';
import { postgresHarness } from '../rotators/postgres/harness.ts';
import { sqlServerHarness } from '../rotators/sqlserver/harness.ts';
import { startPostgres } from '../support/postgres-server.ts';
import { realHarness, standInHarness } from '../support/tds/harness.ts';
import { accountApi, accountRoutes } from '../support/token-service/accounts.ts';
import { startTokenService } from '../support/token-service/server.ts';

/** A rotator with its target, which is started when the matrix comes to it. */
export interface Subject {
  readonly rotator: string;
  start(): Promise<{ readonly harness: RotatorHarness; stop(): Promise<void> }>;
}

/** Tokens that mint and revoke each other, and those for whom an admin does it, in both modes of revocation. */
const apis: readonly ApiDescription[] = [
  accountApi('token'),
  { ...accountApi('admin'), revocation: 'at-once' },
];

/** Every rotator and strategy of the repository. @param sqlServerUrl an ADO.NET connection string of an admin */
export function subjects(sqlServerUrl: string | undefined): Subject[] {
  return [
    { rotator: 'postgres', start: () => startOnPostgres('single') },
    { rotator: 'postgres-alternating-users', start: () => startOnPostgres('alternating') },
    { rotator: 'sqlserver', start: () => startOnSqlServer('single', sqlServerUrl) },
    { rotator: 'sqlserver-alternating-users', start: () => startOnSqlServer('alternating', sqlServerUrl) },
    ...apis.map((api) => ({ rotator: `api-token/${api.name}`, start: () => startOnTokenService(api) })),
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

async function startOnTokenService(api: ApiDescription) {
  const service = await startTokenService(accountRoutes);
  return { harness: apiTokenHarness(service, api), stop: service.stop };
}
