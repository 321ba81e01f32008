import type { Rotator } from '../src/rotator/index.ts';
import { type ApiTokensOptions, apiTokens } from './api-token/index.ts';
import { type ElastiCacheOptions, elastiCache, type MemoryDbOptions, memoryDb } from './elasticache/index.ts';
import { type MysqlOptions, mysql, mysqlAlternatingUsers } from './mysql/index.ts';
import { oauthRotators, type TokenOptions } from './oauth/index.ts';
import { type PostgresOptions, postgres, postgresAlternatingUsers } from './postgres/index.ts';
import { rabbitMq } from './rabbitmq/index.ts';
import { randomRotators } from './random/index.ts';
import { type RedisOptions, redis, redisByAdmin } from './redis/index.ts';
import { type SqlServerOptions, sqlServer, sqlServerAlternatingUsers } from './sqlserver/index.ts';

/** How the rotators reach their targets; all of it has a default. */
export interface RotatorsOptions {
  readonly postgres?: PostgresOptions;
  readonly sqlServer?: SqlServerOptions;
  readonly redis?: RedisOptions;
  readonly mysql?: MysqlOptions;
  readonly elastiCache?: ElastiCacheOptions;
  readonly memoryDb?: MemoryDbOptions;
  readonly oauth?: TokenOptions;
  readonly apiTokens?: ApiTokensOptions;
}

/**
 * All rotators that come with Keyturn: the one list of which the deployed function, the command line, the template's
 * parameter and the documentation are made or tested.
 *
 * @throws InvalidConfiguration for a description of an API that is wrong
 */
export function createRotators(options: RotatorsOptions = {}): Rotator[] {
  return [
    postgres(options.postgres),
    postgresAlternatingUsers(options.postgres),
    sqlServer(options.sqlServer),
    sqlServerAlternatingUsers(options.sqlServer),
    mysql(options.mysql),
    mysqlAlternatingUsers(options.mysql),
    redis(options.redis),
    redisByAdmin(options.redis),
    elastiCache(options.elastiCache),
    memoryDb(options.memoryDb),
    ...oauthRotators(options.oauth),
    ...randomRotators(),
    ...apiTokens(options.apiTokens),
    rabbitMq(options.apiTokens),
  ];
}
