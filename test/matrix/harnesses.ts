import type { ApiDescription } from '../../rotators/api-token/index.ts';
import type { Cell, RotatorHarness } from '../../src/testing/index.ts';
import { apiTokenHarness } from '../rotators/api-token/harness.ts';
import { tokenServerHarness } from '../rotators/api-token/token-server-harness.ts';
import { managedHarness } from '../rotators/elasticache/harness.ts';
import { mysqlHarness, type Way, waysOf } from '../rotators/mysql/harness.ts';
import { oauthHarness } from '../rotators/oauth/harness.ts';
import type { OAuthSettings } from '../rotators/oauth/rotator.ts';
import { postgresHarness } from '../rotators/postgres/harness.ts';
import { rabbitMqHarness } from '../rotators/rabbitmq/harness.ts';
import { randomHarness, randomNames } from '../rotators/random/harness.ts';
import { redisHarness } from '../rotators/redis/harness.ts';
import type { RedisSettings } from '../rotators/redis/rotator.ts';
import { sqlServerHarness } from '../rotators/sqlserver/harness.ts';
import { startManagedUsers } from '../support/managed-users.ts';
import { type Flavour, missingServer, startMysql } from '../support/mysql-server.ts';
import { startOAuthServer } from '../support/oauth/server.ts';
import { startPostgres } from '../support/postgres-server.ts';
import { startRabbitMq } from '../support/rabbitmq.ts';
import { findRedisProgram, noRedis, startRedisServer } from '../support/redis-server.ts';
import { realHarness, standInHarness } from '../support/tds/harness.ts';
import { startGiteaTokens } from '../support/token-servers/gitea.ts';
import { noGitea } from '../support/token-servers/gitea-process.ts';
import { accountApi, accountRoutes } from '../support/token-service/accounts.ts';
import { startTokenService } from '../support/token-service/server.ts';

/** A rotator with its target. The target is started when the matrix needs it. */
export interface Subject {
  /** The rotator's name, and its mode of revocation if that is not the default. */
  readonly rotator: string;
  /** Why it can't be run on this machine. */
  readonly missing?: string | undefined;
  /** Another subject that makes the same remote calls. A dealt matrix runs only that one. */
  readonly sameCallsAs?: string | undefined;
  /** The cells that no other subject has; all if absent. */
  readonly only?: ((cell: Cell) => boolean) | undefined;
  start(): Promise<{ readonly harness: RotatorHarness; stop(): Promise<void> }>;
}

/** The mode with hours adds an event after a rotation, but no call to the rotation itself. */
const modes = ['on-next-rotation', 'at-once'] as const;

/** The modes differ in finishSecret, and in nothing before it. */
function inMode(rotator: string, mode: (typeof modes)[number]): Pick<Subject, 'rotator' | 'only'> {
  if (mode === 'on-next-rotation') return { rotator };
  return { rotator: `${rotator} at-once`, only: ({ place }) => place.startsWith('finishSecret:') };
}

/** Tokens that mint and revoke each other, and those for whom an admin does it. */
const apis = [accountApi('token'), accountApi('admin')].flatMap((api) =>
  modes.map((revocation) => ({ ...api, revocation })),
);

/** No call ends a client secret, so it has no modes of revocation. */
const oauthTokens = (['refresh-token', 'client-credentials'] as const).flatMap((kind) =>
  modes.map((revocation) => ({ kind, revocation })),
);

/** Values of one kind differ only in their form. That makes no difference to remote calls. */
const sameCalls: Readonly<Record<string, string>> = {
  'random/base64url': 'random/base64',
  'random/hex': 'random/base64',
  'random/rsa': 'random/ed25519',
  'random/ec': 'random/ed25519',
};

/** Users of Redis that change themselves, and those that an admin changes. */
const redisUsers = (['account', 'admin'] as const).flatMap((kind) =>
  modes.map((revocation) => ({ kind, revocation })),
);

const redisProgram = await findRedisProgram();

/** Every rotator and strategy of the repository, in both modes of revocation where it has them. */
export function subjects(): Subject[] {
  const { KEYTURN_TEST_SQLSERVER_URL: sqlServerUrl } = process.env;
  const rabbitMqs = [
    { name: 'rabbitmq', variable: 'KEYTURN_TEST_RABBITMQ_SERVER' },
    { name: 'rabbitmq (4)', variable: 'KEYTURN_TEST_RABBITMQ4_SERVER' },
  ];
  return [
    { rotator: 'postgres', start: () => startOnPostgres('single') },
    { rotator: 'postgres-alternating-users', start: () => startOnPostgres('alternating') },
    { rotator: 'sqlserver', start: () => startOnSqlServer('single', sqlServerUrl) },
    { rotator: 'sqlserver-alternating-users', start: () => startOnSqlServer('alternating', sqlServerUrl) },
    ...redisUsers.map((settings) => ({
      ...inMode(settings.kind === 'admin' ? 'redis-by-admin' : 'redis', settings.revocation),
      missing: redisProgram === undefined ? noRedis : undefined,
      start: () => startOnRedis(settings),
    })),
    ...(['mysql', 'mariadb'] as const).flatMap((flavour) =>
      waysOf[flavour].map((way) => ({
        rotator: subjectAt(flavour, way),
        missing: missingServer(flavour),
        // These make the same calls as at MySQL, in another dialect.
        sameCallsAs:
          flavour === 'mariadb' && way !== 'admin' && missingServer('mysql') === undefined
            ? subjectAt('mysql', way)
            : undefined,
        start: () => startOnMysql(flavour, way),
      })),
    ),
    ...(['elasticache', 'memorydb'] as const).map((service) => ({
      rotator: service,
      missing: redisProgram === undefined ? noRedis : undefined,
      sameCallsAs: service === 'memorydb' ? 'elasticache' : undefined,
      start: () => startOnManagedUsers(service),
    })),
    { rotator: 'oauth/client-secret', start: () => startOnOAuth({ kind: 'client-secret' }) },
    ...oauthTokens.map((settings) => ({
      ...inMode(`oauth/${settings.kind}`, settings.revocation),
      start: () => startOnOAuth(settings),
    })),
    ...randomNames.map((name) => ({
      rotator: name,
      sameCallsAs: sameCalls[name],
      start: async () => ({ harness: randomHarness(name), stop: async () => undefined }),
    })),
    ...apis.map((api) => ({
      ...inMode(`api-token/${api.name}`, api.revocation),
      start: () => startOnTokenService(api),
    })),
    {
      rotator: 'api-token/gitea',
      missing: noGitea,
      start: async () => {
        const server = await startGiteaTokens();
        return { harness: tokenServerHarness(server), stop: server.stop };
      },
    },
    ...rabbitMqs.map(({ name, variable }) => ({
      rotator: name,
      missing:
        process.env[variable] === undefined ? `${variable} names no script rabbitmq-server.` : undefined,
      start: () => startOnRabbitMq(process.env[variable] ?? ''),
    })),
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

async function startOnRedis(settings: Omit<RedisSettings, 'ca'>) {
  if (redisProgram === undefined) throw new Error(noRedis);
  const server = await startRedisServer(redisProgram, { tls: true, users: 'acl-file' });
  return { harness: redisHarness(server, settings), stop: server.stop };
}

function subjectAt(flavour: Flavour, way: Way): string {
  return way === 'alternating' ? `mysql-alternating-users (${flavour})` : `mysql (${flavour}, ${way})`;
}

async function startOnMysql(flavour: Flavour, way: Way) {
  const server = await startMysql(flavour);
  return { harness: mysqlHarness(server, way), stop: server.stop };
}

async function startOnManagedUsers(service: 'elasticache' | 'memorydb') {
  if (redisProgram === undefined) throw new Error(noRedis);
  const server = await startRedisServer(redisProgram);
  const api = await startManagedUsers(server);
  return {
    harness: managedHarness(server, api, { service }),
    stop: async () => {
      await api.stop();
      await server.stop();
    },
  };
}

async function startOnTokenService(api: ApiDescription) {
  const service = await startTokenService(accountRoutes);
  return { harness: apiTokenHarness(service, api), stop: service.stop };
}

async function startOnRabbitMq(program: string) {
  const server = await startRabbitMq(program);
  return { harness: rabbitMqHarness(server), stop: server.stop };
}

/**
 * At a server with a leeway. One that has none ends the grant, or the registration access token, of a client that has
 * not heard an answer: no rotator can help that, and `test/rotators/oauth` shows what it says then.
 */
async function startOnOAuth(settings: OAuthSettings) {
  const server = await startOAuthServer({ leewayMs: 3_600_000 });
  return { harness: oauthHarness(server, settings), stop: server.stop };
}
