import type { ApiDescription } from '../../rotators/api-token/index.ts';
import type { RotatorHarness } from '../../src/testing/index.ts';
import { apiTokenHarness } from '../rotators/api-token/harness.ts';
import { oauthHarness } from '../rotators/oauth/harness.ts';
import type { OAuthSettings } from '../rotators/oauth/rotator.ts';
import { postgresHarness } from '../rotators/postgres/harness.ts';
import { randomHarness } from '../rotators/random/harness.ts';
import { sqlServerHarness } from '../rotators/sqlserver/harness.ts';
import { startOAuthServer } from '../support/oauth/server.ts';
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

/** Each credential of OAuth, and both modes of revocation. */
const oauth: readonly OAuthSettings[] = [
  { kind: 'client-secret' },
  { kind: 'refresh-token', revocation: 'at-once' },
  { kind: 'client-credentials' },
];

/** One value of each family: characters, bytes, key pairs. */
const values = ['random/string', 'random/hex', 'random/ed25519'];

/** Every rotator and strategy of the repository. @param sqlServerUrl an ADO.NET connection string of an admin */
export function subjects(sqlServerUrl: string | undefined): Subject[] {
  return [
    { rotator: 'postgres', start: () => startOnPostgres('single') },
    { rotator: 'postgres-alternating-users', start: () => startOnPostgres('alternating') },
    { rotator: 'sqlserver', start: () => startOnSqlServer('single', sqlServerUrl) },
    { rotator: 'sqlserver-alternating-users', start: () => startOnSqlServer('alternating', sqlServerUrl) },
    ...oauth.map((settings) => ({ rotator: `oauth/${settings.kind}`, start: () => startOnOAuth(settings) })),
    ...values.map((name) => ({
      rotator: name,
      start: async () => ({ harness: randomHarness(name), stop: async () => undefined }),
    })),
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

/**
 * At a server with a leeway. One that has none ends the grant, or the registration access token, of a client that has
 * not heard an answer: no rotator can help that, and `test/rotators/oauth` shows what it says then.
 */
async function startOnOAuth(settings: OAuthSettings) {
  const server = await startOAuthServer({ leewayMs: 3_600_000 });
  return { harness: oauthHarness(server, settings), stop: server.stop };
}
