export type { Duration } from './duration.ts';
export type {
  BridgedEvent,
  ReadEvent,
  ReadFailedEvent,
  RefreshedEvent,
  RefusalStayedEvent,
  RefusedEvent,
  SecretEvent,
  SecretEventListener,
} from './events.ts';
export { createFetch, type FetchOptions } from './fetch.ts';
export {
  type LambdaExtensionOptions,
  lambdaExtension,
  type SecretsManagerAgentOptions,
  secretsManagerAgent,
} from './local-sources.ts';
export { type MetricsWriter, metricsListener } from './metrics.ts';
export {
  createSecretsMiddleware,
  type LambdaContext,
  type SecretsContext,
  type SecretsMiddleware,
} from './middleware.ts';
export {
  createParameters,
  type GetSecretOptions,
  type GetSecretOutput,
  type Parameters,
} from './parameters.ts';
export type { Mongo, MongoClientLike } from './pools/mongodb.ts';
export type { MssqlPool, TediousConnection } from './pools/mssql.ts';
export type { PgClient, PgPool } from './pools/pg.ts';
export { refusedBy } from './pools/refused-by.ts';
export type { PoolSettings } from './pools/shared.ts';
export {
  createIoRedis,
  createIoRedisCluster,
  createMongo,
  createMssqlPool,
  createMysqlPool,
  createNodeRedis,
  createNodeRedisCluster,
  createNodeRedisSentinel,
  createPgPool,
  createTediousConnector,
} from './pools.ts';
export type { SecretHints } from './reader.ts';
export type { SecretsManagerSender } from './sdk.ts';
export {
  createSecrets,
  type GetOptions,
  Secret,
  type Secrets,
  type SecretsOptions,
  type WaitOptions,
} from './secrets.ts';
export { secretsManager } from './secrets-manager.ts';
export type { ReadAnswer, ReadRequest, SecretSource } from './source.ts';
export type { UseOptions } from './use.ts';
export { SecretValue, type ValueIdentity } from './value.ts';
