import type { Socket } from 'node:net';
import type { Secret } from '../secrets.ts';
import type { SecretValue } from '../value.ts';
import {
  authOf,
  logInOnChange,
  loginOf,
  masterNameOf,
  once,
  sentinelsOf,
  serverOf,
  serversOf,
} from './redis.ts';
import { command, dial, opened, type SocketOptions } from './redis-socket.ts';
import { refusedBy } from './refused-by.ts';
import { defined, memberOf, methodOf, type PoolSettings, requireClass, requireDriver } from './shared.ts';

/** See createIoRedis. */
export async function ioRedis<Redis extends object>(
  Redis: new (...args: never[]) => Redis,
  secret: Secret,
  options: object,
  settings: PoolSettings = {},
): Promise<Redis> {
  const [name, example] = ['the class Redis of ioredis', 'createIoRedis(Redis, secret)'];
  requireClass(Redis, ['call', 'disconnect', 'duplicate'], name, example);
  const value = await secret.get();
  const { host, port, database, tls } = serverOf(value);
  const encryption = tls ? { tls: {} } : {};
  const isBehindSentinel = memberOf(options, 'sentinels') !== undefined || masterNameOf(value) !== undefined;
  const where = isBehindSentinel ? sentinelOptions(value, tls) : { host, port };
  const given = { ...where, db: database, ...encryption, ...options };
  const Connector = isBehindSentinel
    ? sentinelConnectorOf(sentinelClassOf(Redis), secret, settings)
    : connectorOf(secret, settings, options);
  const redis: Redis = Reflect.construct(Redis, [
    { ...given, username: undefined, password: undefined, Connector },
  ]);
  const call = memberOf(redis, 'call');
  if (settings.openConnections === 'drain' && typeof call === 'function') {
    logInOnChange(secret, once(redis, 'end'), (value) => Reflect.apply(call, redis, authOf(loginOf(value))));
  }
  return redis;
}

/** See createIoRedisCluster. */
export async function ioRedisCluster<Cluster extends object>(
  Cluster: new (...args: never[]) => Cluster,
  secret: Secret,
  options: object,
  settings: PoolSettings = {},
): Promise<Cluster> {
  const [name, example] = ['the class Cluster of ioredis', 'createIoRedisCluster(Cluster, secret)'];
  requireClass(Cluster, ['nodes', 'disconnect', 'duplicate'], name, example);
  const value = await secret.get();
  const { tls } = serverOf(value);
  const said = Object(memberOf(options, 'redisOptions'));
  // Each server has a connector of its own, which connects where the cluster says.
  const Connector = connectorOf(secret, settings, {}, false);
  const redisOptions = {
    ...(tls ? { tls: {} } : {}),
    ...said,
    username: undefined,
    password: undefined,
    Connector,
  };
  const cluster: Cluster = Reflect.construct(Cluster, [serversOf(value), { ...options, redisOptions }]);
  if (settings.openConnections === 'drain') {
    logInOnChange(secret, once(cluster, 'end'), async (now) => {
      const nodes = methodOf(cluster, 'nodes')();
      const login = authOf(loginOf(now));
      for (const node of Array.isArray(nodes) ? nodes : []) await methodOf(node, 'call')(...login);
    });
  }
  return cluster;
}

function sentinelOptions(value: SecretValue, tls: boolean): object {
  const { name, places, username, password } = sentinelsOf(value);
  return {
    sentinels: places,
    name,
    ...(username !== undefined && { sentinelUsername: username }),
    ...(password !== undefined && { sentinelPassword: password }),
    ...(tls && { enableTLSForSentinelMode: true, sentinelTLS: {} }),
  };
}

interface SentinelConnector {
  firstError?: unknown;
  connecting: boolean;
  connect(tell: (event: string, error: Error) => void): Promise<Socket>;
}

type SentinelConnectorClass = new (options: SocketOptions) => SentinelConnector;

/** ioredis's own connector, which is a member of its class. @throws DriverUnknown */
function sentinelClassOf(Redis: unknown): SentinelConnectorClass {
  const found = memberOf(Redis, 'SentinelConnector');
  if (isSentinelConnector(found)) return found;
  requireDriver(
    false,
    'the class Redis of ioredis, with its SentinelConnector',
    'createIoRedis(Redis, secret)',
  );
  throw new TypeError('The driver was refused.');
}

function isSentinelConnector(found: unknown): found is SentinelConnectorClass {
  return typeof found === 'function' && typeof memberOf(found.prototype, 'connect') === 'function';
}

/** ioredis's connector by Sentinels, whose connections are logged in before ioredis gets them. */
function sentinelConnectorOf(Base: SentinelConnectorClass, secret: Secret, { deadline }: PoolSettings) {
  return class Connector extends Base {
    readonly #options: SocketOptions;

    constructor(options: SocketOptions) {
      super(options);
      this.#options = options;
    }

    override async connect(tell: (event: string, error: Error) => void): Promise<Socket> {
      const { tls, connectTimeout = 10_000 } = this.#options;
      let last: Socket | undefined;
      const login = async (value: SecretValue): Promise<Socket> => {
        const stream = await super.connect(tell);
        last = stream.on('error', () => undefined);
        try {
          await opened(stream, tls === undefined ? 'connect' : 'secureConnect', connectTimeout);
          await command(stream, authOf(loginOf(value)));
          return stream;
        } catch (error) {
          stream.destroy();
          throw error;
        }
      };
      try {
        return await secret.use(login, { isRefused: refusedBy.redis, ...(deadline && { deadline }) });
      } catch (error) {
        // ioredis tries again if it gets a closed connection.
        this.firstError = error;
        if (last === undefined) throw error;
        return last;
      }
    }
  };
}

/**
 * Makes a connector for ioredis whose connections are already logged in. If ioredis's own login is refused, it fails all
 * waiting commands.
 *
 * @param isPlaceOfSecret whether the secret says where to connect. False for the servers of a cluster: ioredis knows them
 */
function connectorOf(
  secret: Secret,
  { deadline }: PoolSettings,
  said: SocketOptions,
  isPlaceOfSecret = true,
) {
  return class Connector {
    firstError: unknown;
    connecting = false;
    readonly #options: SocketOptions;
    #stream: Socket | undefined;

    constructor(options: SocketOptions) {
      this.#options = options;
    }

    check(): boolean {
      return true;
    }

    disconnect(): void {
      this.connecting = false;
      this.#stream?.end();
    }

    /** After a failure, returns a closed connection: ioredis then tries again. */
    async connect(): Promise<Socket> {
      this.connecting = true;
      const { tls, connectTimeout = 10_000 } = this.#options;
      const login = async (value: SecretValue): Promise<Socket> => {
        const { host, port } = isPlaceOfSecret ? serverOf(value) : this.#options;
        const stream = await dial({ ...this.#options, ...defined({ host, port }), ...said });
        this.#stream = stream;
        try {
          await opened(stream, tls === undefined ? 'connect' : 'secureConnect', connectTimeout);
          await command(stream, authOf(loginOf(value)));
          return stream;
        } catch (error) {
          stream.on('error', () => undefined).destroy();
          throw error;
        }
      };
      try {
        const stream = await secret.use(login, { isRefused: refusedBy.redis, ...(deadline && { deadline }) });
        if (this.connecting) return stream;
        this.firstError = new Error('Connection is closed.');
        return stream.destroy();
      } catch (error) {
        this.firstError = error;
        return this.#stream ?? new (await import('node:net')).Socket().destroy();
      }
    }
  };
}
