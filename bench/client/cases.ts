import { randomBytes, randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import mssql from 'mssql';
import mysql from 'mysql2/promise';
import pg from 'pg';
import { Connection, Request } from 'tedious';
import { apiToken } from '../../rotators/api-token/index.ts';
import { mysqlAlternatingUsers, mysql as mysqlRotator } from '../../rotators/mysql/index.ts';
import { oauthClientSecret, oauthRotators } from '../../rotators/oauth/index.ts';
import { postgres, postgresAlternatingUsers } from '../../rotators/postgres/index.ts';
import { redisByAdmin } from '../../rotators/redis/index.ts';
import { sqlServer, sqlServerAlternatingUsers } from '../../rotators/sqlserver/index.ts';
import {
  createFetch,
  createIoRedis,
  createMssqlPool,
  createMysqlPool,
  createPgPool,
  refusedBy,
  type Secret,
} from '../../src/client/index.ts';
import type { Rotator, SecretFields } from '../../src/rotator/index.ts';
import { type Flavour, missingServer, startMysql } from '../../test/support/mysql-server.ts';
import { startOAuthServer } from '../../test/support/oauth/server.ts';
import { startPostgres } from '../../test/support/postgres-server.ts';
import { findRedisProgram, startRedisServer } from '../../test/support/redis-server.ts';
import { standInHarness } from '../../test/support/tds/harness.ts';
import { accountApi, accountRoutes, adminToken } from '../../test/support/token-service/accounts.ts';
import { startTokenService } from '../../test/support/token-service/server.ts';
import { startWorld, type World } from './world.ts';

/** The connections of a pool, and the workers of an application that run in parallel. */
export const places = 20;

/** A rotated secret, and what applications do with it. */
export interface Subject {
  readonly world: World;
  readonly arn: string;
  /** An application's use of a credential: log in, run a query, close. @throws what the driver throws */
  open(fields: SecretFields): Promise<unknown>;
  isRefused(error: unknown): boolean;
  /** Makes an application with a pool of keyturn/client. @returns its repeated work */
  pooled(secret: Secret, resources: AsyncDisposableStack): Promise<() => Promise<unknown>>;
}

/** A rotator with its strategy, at a server. */
export interface Case {
  readonly name: string;
  /** The server's name, for people. */
  readonly server: string;
  /** Each worker's average pause between two calls, in ms. TLS logins at a stand-in in this process need longer pauses. */
  readonly pauseMs: number;
  start(resources: AsyncDisposableStack): Promise<Subject>;
}

const newPassword = (): string => randomBytes(15).toString('base64url');

function postgresCase(name: string, alternating: boolean): Case {
  return {
    name,
    server: 'PostgreSQL',
    pauseMs: 600,
    start: async (resources) => {
      const server = await startPostgres({ tls: false, settings: ['max_connections = 200'] });
      resources.defer(() => server.stop());
      const { host, port, admin } = server;
      const common = { engine: 'postgres', host, port, dbname: 'postgres', ssl: false };
      const login = { username: `app_${randomBytes(4).toString('hex')}`, password: newPassword() };
      await server.asAdmin((client) =>
        client.query(`CREATE ROLE ${login.username} LOGIN PASSWORD '${login.password}'`),
      );
      const world = await startWorld([alternating ? postgresAlternatingUsers() : postgres()], resources);
      const masterarn = alternating ? { masterarn: await world.createSecret({ ...common, ...admin }) } : {};
      return {
        world,
        arn: await world.createSecret({ ...common, ...login, ...masterarn }),
        isRefused: refusedBy.postgres,
        open: async ({ username, password }) => {
          const client = new pg.Client({
            host,
            port,
            database: 'postgres',
            user: String(username),
            password: String(password),
          });
          await client.connect();
          try {
            await client.query('SELECT 1');
          } finally {
            await client.end();
          }
        },
        pooled: async (secret, own) => {
          // Each connection is used twice, so that there are always new logins.
          const pool = await createPgPool(pg.Pool, secret, { max: places, maxUses: 2 });
          // Connections end with the server.
          pool.on('error', () => undefined);
          own.defer(() => pool.end());
          return () => pool.query('SELECT 1');
        },
      };
    },
  };
}

function sqlServerCase(name: string, alternating: boolean): Case {
  return {
    name,
    server: 'stand-in for SQL Server',
    pauseMs: 3_000,
    start: async (resources) => {
      const harness = await standInHarness();
      resources.defer(() => harness.stop());
      const { options, standIn } = harness;
      const login = await harness.createLogin();
      const world = await startWorld(
        [alternating ? sqlServerAlternatingUsers(options) : sqlServer(options)],
        resources,
      );
      const masterarn = alternating ? { masterarn: await world.createSecret(harness.adminSecret()) } : {};
      const driver = { cryptoCredentialsDetails: { ca: standIn.ca } };
      const ask = (pool: mssql.ConnectionPool) => pool.request().query('SELECT 1');
      return {
        world,
        arn: await world.createSecret({ ...harness.secretOf(login), ...masterarn }),
        isRefused: refusedBy.sqlServer,
        open: async ({ username: userName, password }) => {
          const { host: server, port } = standIn;
          const connection = new Connection({
            server,
            options: { ...driver, port, database: harness.database },
            authentication: {
              type: 'default',
              options: { userName: String(userName), password: String(password) },
            },
          });
          await new Promise<void>((resolve, reject) => {
            connection.connect((error) => (error ? reject(error) : resolve()));
          });
          try {
            await new Promise<void>((resolve, reject) => {
              connection.execSql(new Request('SELECT 1', (error) => (error ? reject(error) : resolve())));
            });
          } finally {
            connection.close();
          }
        },
        pooled: async (secret, own) => {
          const limits = { max: places, idleTimeoutMillis: 100, reapIntervalMillis: 50 };
          const pool = await createMssqlPool(mssql.ConnectionPool, secret, { options: driver, pool: limits });
          own.defer(async () => void (await pool.close()));
          return () => ask(pool);
        },
      };
    },
  };
}

/** MySQL keeps two passwords of one user: the old one works until the next rotation. */
function mysqlCase(name: string, alternating: boolean): Case | undefined {
  const flavours: readonly Flavour[] = ['mysql', 'mariadb'];
  const flavour = flavours.find((one) => missingServer(one) === undefined);
  if (flavour === undefined) return undefined;
  return {
    name,
    server: flavour,
    pauseMs: 600,
    start: async (resources) => {
      const server = await startMysql(flavour, ['--max-connections=300']);
      resources.defer(() => server.stop());
      const { host, port, ca, admin } = server;
      const username = `app_${randomBytes(4).toString('hex')}`;
      const password = `Aa1-${newPassword()}`;
      await server.run("CREATE USER ?@'%' IDENTIFIED BY ?", [username, password]);
      const options = { ca: () => ca };
      const rotator = alternating ? mysqlAlternatingUsers(options) : mysqlRotator(options);
      const world = await startWorld([rotator], resources);
      const common = { engine: flavour, host, port };
      const adminArn = await world.createSecret({ ...common, ...admin });
      const masterarn = alternating ? { masterarn: adminArn } : {};
      const tags = { 'keyturn:rotator': rotator.name, 'keyturn:admin': adminArn };
      return {
        world,
        arn: await world.createSecret({ ...common, username, password, ...masterarn }, tags),
        isRefused: refusedBy.mysql,
        open: async (fields) => {
          const login = { host, port, user: String(fields.username), password: String(fields.password) };
          const connection = await mysql.createConnection({ ...login, ssl: { ca } });
          await connection.query('SELECT 1').finally(() => connection.end());
        },
        pooled: async (secret, own) => {
          const settings = { connectionLimit: places, maxIdle: 2, idleTimeout: 500, ssl: { ca } };
          const pool = await createMysqlPool(mysql.createPool, secret, settings);
          own.defer(() => pool.end());
          return () => pool.query('SELECT 1');
        },
      };
    },
  };
}

const redisProgram = await findRedisProgram();
/** Redis keeps two passwords of a user: the old one works until the next rotation. */
const redisCase: Case | undefined = redisProgram && {
  name: 'Redis',
  server: redisProgram.name,
  pauseMs: 600,
  start: async (resources) => {
    const server = await startRedisServer(redisProgram);
    resources.defer(() => server.stop());
    const { port, admin } = server;
    const [username, password] = [`app-${randomBytes(4).toString('hex')}`, newPassword()];
    await server.ask('ACL', 'SETUSER', username, 'on', `>${password}`, '~*', '+@all', '-@admin');
    const world = await startWorld([redisByAdmin()], resources);
    const common = { engine: 'redis', host: '127.0.0.1', port, ssl: false };
    const masterarn = await world.createSecret({ ...common, ...admin });
    const open = async (login: { readonly username: string; readonly password: string }): Promise<void> => {
      const client = new Redis({ port, ...login, lazyConnect: true, retryStrategy: () => null });
      client.on('error', () => undefined);
      try {
        await client.connect();
        await client.ping();
      } finally {
        client.disconnect();
      }
    };
    return {
      world,
      arn: await world.createSecret(
        { ...common, username, password, masterarn },
        { 'keyturn:rotator': 'redis-by-admin' },
      ),
      isRefused: refusedBy.redis,
      open: (fields) => open({ username: String(fields.username), password: String(fields.password) }),
      pooled: async (secret, own) => {
        const client = await createIoRedis(Redis, secret);
        client.on('error', () => undefined);
        own.defer(() => client.disconnect());
        return () => client.ping();
      },
    };
  },
};

const apiTokenCase: Case = {
  name: 'API token',
  server: 'HTTP service of the tests',
  pauseMs: 600,
  start: async (resources) => {
    const service = await startTokenService(accountRoutes);
    resources.defer(() => service.stop());
    const rotator = apiToken(accountApi('admin'));
    const world = await startWorld([rotator], resources);
    const masterarn = await world.createSecret({ host: service.url, token: adminToken });
    const username = `robot ${randomUUID()}`;
    const { token, id: tokenId } = service.store.issue(username, 'by hand') ?? {};
    const value = { host: service.url, username, token, tokenId, masterarn };
    return {
      world,
      arn: await world.createSecret(value, { 'keyturn:rotator': rotator.name }),
      isRefused: refusedBy.http,
      open: ({ token: bearer }) => get(`${service.url}/me`, String(bearer)),
      pooled: async (secret) => {
        const fetch = createFetch(secret);
        return () => get(`${service.url}/me`, undefined, fetch);
      },
    };
  },
};

/** Sends a request. @throws Error with the status of an HTTP error */
async function get(url: string, bearer: string | undefined, fetch = globalThis.fetch): Promise<void> {
  const headers = bearer === undefined ? {} : { authorization: `Bearer ${bearer}` };
  const response = await fetch(url, { headers });
  await response.body?.cancel();
  if (!response.ok)
    throw Object.assign(new Error(`answered ${response.status}`), { status: response.status });
}

function oauthCase(kind: 'client-secret' | 'refresh-token' | 'client-credentials'): Case {
  return {
    name: `OAuth ${kind}`,
    server: 'oidc-provider',
    pauseMs: 600,
    start: async (resources) => {
      // This server ends a client secret as soon as it has another one. Tokens overlap.
      const isSecret = kind === 'client-secret';
      const server = await startOAuthServer({ leewayMs: isSecret ? 0 : 60_000 });
      resources.defer(() => server.stop());
      const rotators: Rotator[] = isSecret ? [oauthClientSecret({ overlap: 'none' })] : oauthRotators();
      const world = await startWorld(rotators, resources);
      const make = {
        'client-secret': server.registeredClient,
        'refresh-token': server.authorizedClient,
        'client-credentials': server.serviceClient,
      }[kind];
      const value = { ...(await make()), revokes_access_tokens: true };
      const open = kind === 'client-secret' ? askForToken : introspect;
      return {
        world,
        arn: await world.createSecret(value, { 'keyturn:rotator': `oauth/${kind}` }),
        isRefused: refusedBy.http,
        open,
        pooled: async (secret) => () =>
          secret.use(({ fields }) => open(fields), { isRefused: refusedBy.http }),
      };
    },
  };
}

async function post(url: unknown, { client_id, client_secret }: SecretFields, body: Record<string, string>) {
  const authorization = `Basic ${Buffer.from(`${client_id}:${client_secret}`).toString('base64')}`;
  const request = { method: 'POST', headers: { authorization }, body: new URLSearchParams(body) };
  const response = await fetch(String(url), request);
  return { status: response.status, answer: Object(await response.json()) };
}

async function askForToken(fields: SecretFields): Promise<void> {
  const { status } = await post(fields.token_endpoint, fields, { grant_type: 'client_credentials' });
  if (status !== 200) throw Object.assign(new Error(`answered ${status}`), { status });
}

/** Checks an access token as a service does: an inactive one is refused. */
async function introspect(fields: SecretFields): Promise<void> {
  const { answer } = await post(fields.introspection_endpoint, fields, {
    token: String(fields.access_token),
  });
  if (answer.active !== true) throw Object.assign(new Error('The token is not active.'), { status: 401 });
}

/** Cases without a server on this machine are left out: see test/support/mysql-server.ts and test/support/redis-server.ts. */
export const cases: readonly Case[] = [
  postgresCase('Postgres, single user', false),
  postgresCase('Postgres, alternating users', true),
  sqlServerCase('SQL Server, single user', false),
  sqlServerCase('SQL Server, alternating users', true),
  mysqlCase('MySQL, two passwords', false),
  mysqlCase('MySQL, alternating users', true),
  redisCase,
  apiTokenCase,
  oauthCase('client-secret'),
  oauthCase('refresh-token'),
  oauthCase('client-credentials'),
].filter((one) => one !== undefined);
