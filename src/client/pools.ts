import type { Mongo, MongoClientLike } from './pools/mongodb.ts';
import type { MssqlPool, TediousConnection } from './pools/mssql.ts';
import type { PgPool } from './pools/pg.ts';
import type { PoolSettings } from './pools/shared.ts';
import type { Secret } from './secrets.ts';

/** A class that the driver exports. */
type ClassOf<Instance> = new (...args: never[]) => Instance;

/**
 * Makes a `pg.Pool` whose new connections log in with the secret's credential and bridge rotations. Host, port, database
 * and TLS come from the secret too, unless the options say otherwise.
 *
 * @param Pool `pg.Pool`
 * @throws DriverUnknown (the argument is not the driver's), InvalidConfiguration, InvalidSecretField, MalformedSecret, and
 * the errors of {@link Secret.get}
 */
export async function createPgPool<Options extends object, Pool extends PgPool>(
  Pool: new (options?: Options) => Pool,
  secret: Secret,
  options?: Options,
  settings?: PoolSettings,
): Promise<Pool> {
  return (await import('./pools/pg.ts')).pgPool(Pool, secret, options, settings);
}

/**
 * Makes a connected `mssql.ConnectionPool`; see {@link createPgPool}. From a connection string it takes server, instance,
 * port, database, encryption and intent.
 *
 * @param ConnectionPool `mssql.ConnectionPool`
 * @param options as `mssql.config`
 * @throws as {@link createPgPool}; what the driver throws
 */
export async function createMssqlPool<Pool extends MssqlPool>(
  ConnectionPool: ClassOf<Pool>,
  secret: Secret,
  options: object = {},
  settings?: PoolSettings,
): Promise<Pool> {
  return (await import('./pools/mssql.ts')).mssqlPool(ConnectionPool, secret, options, settings);
}

/**
 * Makes a function that opens connections of `tedious`, which has no pool.
 *
 * @param Connection `tedious.Connection`
 * @param options as tedious's `ConnectionConfiguration`
 * @returns a function that opens a connection. It throws as {@link createPgPool}, and what the driver throws
 * @throws DriverUnknown
 */
export async function createTediousConnector<Connection extends TediousConnection>(
  Connection: ClassOf<Connection>,
  secret: Secret,
  options: object = {},
  settings?: Pick<PoolSettings, 'deadline'>,
): Promise<() => Promise<Connection>> {
  return (await import('./pools/mssql.ts')).tediousConnector(Connection, secret, options, settings);
}

/**
 * Makes a pool of `mysql2` or `mysql2/promise`; see {@link createPgPool}.
 *
 * @param createPool the driver's own
 * @param options as mysql2's `PoolOptions`
 * @throws as {@link createPgPool}
 */
export async function createMysqlPool<Pool extends object>(
  createPool: (options: never) => Pool,
  secret: Secret,
  options: object = {},
  settings?: PoolSettings,
): Promise<Pool> {
  return (await import('./pools/mysql.ts')).mysqlPool(createPool, secret, options, settings);
}

/**
 * Makes a client of ioredis. Its connections are logged in before ioredis gets them. If the secret has a `mastername`, or the
 * options have `sentinels`, Sentinels are asked for the server. `drain` checks every minute whether the credential has changed,
 * and then logs the open connection in again.
 *
 * @param Redis the class that ioredis exports
 * @param options as ioredis's `RedisOptions`
 * @throws as {@link createPgPool}
 */
export async function createIoRedis<Redis extends object>(
  Redis: ClassOf<Redis>,
  secret: Secret,
  options: object = {},
  settings?: PoolSettings,
): Promise<Redis> {
  return (await import('./pools/ioredis.ts')).ioRedis(Redis, secret, options, settings);
}

/**
 * Makes a client of ioredis for a cluster; see {@link createIoRedis}. The secret's hosts are the servers that it begins with.
 *
 * @param Cluster the class that ioredis exports
 * @param options as ioredis's `ClusterOptions`
 * @throws as {@link createPgPool}
 */
export async function createIoRedisCluster<Cluster extends object>(
  Cluster: ClassOf<Cluster>,
  secret: Secret,
  options: object = {},
  settings?: PoolSettings,
): Promise<Cluster> {
  return (await import('./pools/ioredis.ts')).ioRedisCluster(Cluster, secret, options, settings);
}

/**
 * Makes a client of node-redis for a cluster, not connected yet. The secret's hosts are the servers that it begins with. Open
 * connections are kept.
 *
 * @param createCluster what `redis` or `@redis/client` exports
 * @param options as node-redis's `RedisClusterOptions`
 * @throws as {@link createPgPool}
 */
export async function createNodeRedisCluster<Cluster extends object>(
  createCluster: (options: never) => Cluster,
  secret: Secret,
  options: object = {},
  settings?: PoolSettings,
): Promise<Cluster> {
  return (await import('./pools/node-redis.ts')).nodeRedisCluster(createCluster, secret, options, settings);
}

/**
 * Makes a client of node-redis for a server behind Sentinel, not connected yet. The secret's hosts are Sentinels, and its
 * `mastername` is the master that they watch. Open connections are kept.
 *
 * @param createSentinel what `redis` or `@redis/client` exports
 * @param options as node-redis's `RedisSentinelOptions`
 * @throws as {@link createPgPool}
 */
export async function createNodeRedisSentinel<Sentinel extends object>(
  createSentinel: (options: never) => Sentinel,
  secret: Secret,
  options: object = {},
  settings?: PoolSettings,
): Promise<Sentinel> {
  return (await import('./pools/node-redis.ts')).nodeRedisSentinel(createSentinel, secret, options, settings);
}

/**
 * Makes a client of node-redis, not connected yet; `drain` as in {@link createIoRedis}.
 *
 * @param createClient what `redis` or `@redis/client` exports
 * @param options as node-redis's `RedisClientOptions`
 * @throws as {@link createPgPool}
 */
export async function createNodeRedis<Client extends object>(
  createClient: (options: never) => Client,
  secret: Secret,
  options: object = {},
  settings?: PoolSettings,
): Promise<Client> {
  return (await import('./pools/node-redis.ts')).nodeRedis(createClient, secret, options, settings);
}

/**
 * Makes clients of MongoDB with the secret's credential. `drain` makes a new client as soon as another version is known.
 *
 * @param MongoClient the class that `mongodb` exports
 * @param options as mongodb's `MongoClientOptions`
 * @throws as {@link createPgPool}
 */
export async function createMongo<Client extends MongoClientLike>(
  MongoClient: ClassOf<Client>,
  secret: Secret,
  options: object = {},
  settings?: PoolSettings,
): Promise<Mongo<Client>> {
  return (await import('./pools/mongodb.ts')).mongo(MongoClient, secret, options, settings);
}
