import type { Socket } from 'node:net';
import { KeyturnError } from '../../errors.ts';
import type { Secret } from '../secrets.ts';
import type { SecretValue } from '../value.ts';
import {
  authOf,
  logInOnChange,
  loginOf,
  once,
  type RedisLogin,
  type RedisPlace,
  sentinelsOf,
  serverOf,
  serversOf,
} from './redis.ts';
import { command, dial, opened, type SocketOptions } from './redis-socket.ts';
import { refusedBy } from './refused-by.ts';
import { defined, memberOf, type PoolSettings, requireDriver } from './shared.ts';

/** See createNodeRedis. */
export async function nodeRedis<Client extends object>(
  createClient: (options: never) => Client,
  secret: Secret,
  options: object,
  settings: PoolSettings = {},
): Promise<Client> {
  const [name, example] = ['createClient of redis', 'createNodeRedis(createClient, secret)'];
  requireDriver(typeof createClient === 'function', name, example);
  const { host, port, database, tls } = serverOf(await secret.get());
  const said = Object(memberOf(options, 'socket'));
  const socket = { host, port, ...(tls ? { tls } : {}), ...said };
  const logins = loginsOf(secret, settings, (value) => {
    const now = serverOf(value);
    if (said.host !== undefined || (now.host === host && now.port === port)) return;
    throw new KeyturnError(
      'TargetChanged',
      `${secret.id} is for another server now.`,
      'Make another client: this one can not change where it connects to.',
    );
  });
  const credentialsProvider = { type: 'async-credentials-provider', credentials: logins.next };
  const given = { database, ...options, socket, credentialsProvider };
  const client: Client = Reflect.apply(createClient, undefined, [given]);
  const instance = instanceOf(client);
  const [emit, sendCommand] = [memberOf(instance, 'emit'), memberOf(client, 'sendCommand')];
  requireDriver(typeof emit === 'function' && typeof sendCommand === 'function', name, example);
  const heard = (...args: unknown[]): unknown => {
    if (args[0] === 'ready') logins.ended(undefined);
    // A refused login is tried again with the next credential. The caller gets the error if the refusal stays.
    if (args[0] === 'error' && logins.ended(args[1])) return false;
    return Reflect.apply(Object(emit), instance, args);
  };
  Object.defineProperty(instance, 'emit', { value: heard, configurable: true, writable: true });
  if (settings.openConnections === 'drain') {
    const logIn = (value: SecretValue) =>
      Reflect.apply(Object(sendCommand), client, [authOf(loginOf(value))]);
    logInOnChange(secret, once(client, 'end'), logIn);
  }
  return client;
}

/** See createNodeRedisCluster. */
export async function nodeRedisCluster<Cluster extends object>(
  createCluster: (options: never) => Cluster,
  secret: Secret,
  options: object,
  settings: PoolSettings = {},
): Promise<Cluster> {
  const [name, example] = ['createCluster of redis', 'createNodeRedisCluster(createCluster, secret)'];
  requireFunction(createCluster, name, example);
  const value = await secret.get();
  const { tls } = serverOf(value);
  const said = Object(memberOf(options, 'defaults'));
  const socket = { ...(tls ? { tls } : {}), ...Object(memberOf(said, 'socket')) };
  const credentialsProvider = provenLogins(secret, settings, async (now) =>
    serversOf(now).map((place) => socketOf(place, socket)),
  );
  const defaults = { ...said, socket, credentialsProvider };
  const rootNodes = serversOf(value).map((place) => ({ socket: { ...socket, ...place } }));
  const cluster: Cluster = Reflect.apply(createCluster, undefined, [{ rootNodes, ...options, defaults }]);
  requireDriver(typeof memberOf(cluster, 'connect') === 'function', name, example);
  return cluster;
}

/** See createNodeRedisSentinel. */
export async function nodeRedisSentinel<Sentinel extends object>(
  createSentinel: (options: never) => Sentinel,
  secret: Secret,
  options: object,
  settings: PoolSettings = {},
): Promise<Sentinel> {
  const [called, example] = ['createSentinel of redis', 'createNodeRedisSentinel(createSentinel, secret)'];
  requireFunction(createSentinel, called, example);
  const value = await secret.get();
  const { tls, database } = serverOf(value);
  const { name, places, username, password } = sentinelsOf(value);
  const said = Object(memberOf(options, 'nodeClientOptions'));
  const socket = { ...(tls ? { tls } : {}), ...Object(memberOf(said, 'socket')) };
  const credentialsProvider = provenLogins(secret, settings, (now) => masterOf(now, socket));
  const given = {
    name,
    sentinelRootNodes: places,
    sentinelClientOptions: defined({ username, password, socket: tls ? { tls } : undefined }),
    ...options,
    nodeClientOptions: { database, ...said, socket, credentialsProvider },
  };
  const sentinel: Sentinel = Reflect.apply(createSentinel, undefined, [given]);
  requireDriver(typeof memberOf(sentinel, 'connect') === 'function', called, example);
  return sentinel;
}

/**
 * Credentials for clients that the driver makes itself. Each is tried on a connection of its own before it is handed out.
 * Otherwise, if the login were refused, all waiting commands would fail: the driver sends them together with it.
 *
 * @param places where to try, and how
 */
function provenLogins(
  secret: Secret,
  { deadline }: PoolSettings,
  places: (value: SecretValue) => Promise<readonly SocketOptions[]>,
) {
  const credentials = (): Promise<RedisLogin> =>
    secret.use(
      async (value) => {
        const login = loginOf(value);
        await atFirstThere(await places(value), (stream) => command(stream, authOf(login)));
        return login;
      },
      { isRefused: refusedBy.redis, ...(deadline && { deadline }) },
    );
  return { type: 'async-credentials-provider', credentials };
}

/** Longest wait for a connection, in ms. */
const connectTimeoutMs = 5_000;

/** Asks the first server that can be reached. @throws the last one's error if none can, and what the server answers */
async function atFirstThere(
  places: readonly SocketOptions[],
  ask: (stream: Socket) => Promise<string>,
): Promise<string> {
  let lost: unknown;
  for (const place of places) {
    const stream = await dial(place);
    stream.on('error', () => undefined);
    try {
      await opened(stream, place.tls === undefined ? 'connect' : 'secureConnect', connectTimeoutMs);
    } catch (error) {
      lost = error;
      stream.destroy();
      continue;
    }
    try {
      return await ask(stream);
    } finally {
      stream.destroy();
    }
  }
  throw lost;
}

/** How node-redis is told to connect, in Node.js's own words. */
function socketOf(place: RedisPlace, socket: object): SocketOptions {
  return memberOf(socket, 'tls') ? { ...place, tls: socket } : place;
}

/** The master that the Sentinels name. */
async function masterOf(value: SecretValue, socket: object): Promise<SocketOptions[]> {
  const { name = '', places, username, password } = sentinelsOf(value);
  const answer = await atFirstThere(
    places.map((place) => socketOf(place, socket)),
    async (stream) => {
      if (password !== undefined) await command(stream, authOf({ username, password }));
      return command(stream, ['SENTINEL', 'GET-MASTER-ADDR-BY-NAME', name]);
    },
  );
  const [, host = '', port = ''] = /^\*2\r\n\$\d+\r\n([^\r]*)\r\n\$\d+\r\n(\d+)\r\n$/.exec(answer) ?? [];
  if (host === '') {
    throw new KeyturnError(
      'TargetUnreachable',
      'The Sentinels know no master of the name that the secret says.',
      'Correct "mastername" in the secret, or ask a Sentinel: SENTINEL MASTERS.',
      { field: 'mastername' },
    );
  }
  return [socketOf({ host, port: Number(port) }, socket)];
}

/** Checks that an argument is a function of the driver, and no class. @throws DriverUnknown */
function requireFunction(given: unknown, name: string, example: string): void {
  const isClass = typeof given === 'function' && /^class\b/.test(Function.prototype.toString.call(given));
  requireDriver(typeof given === 'function' && !isClass, name, example);
}

/** node-redis returns an object whose prototype is the client. Only the client emits events. */
function instanceOf(client: object): object {
  const prototype: unknown = Object.getPrototypeOf(client);
  return typeof prototype === 'object' && prototype !== null && Object.hasOwn(prototype, '_events')
    ? prototype
    : client;
}

/** Adapts `Secret.use` to a driver that asks for a credential, and reports the login's outcome later by an event. */
function loginsOf(secret: Secret, { deadline }: PoolSettings, requirePlace: (value: SecretValue) => void) {
  let handed = Promise.withResolvers<RedisLogin>();
  let outcome: PromiseWithResolvers<void> | undefined;
  let isUnderWay = false;
  const begin = async (): Promise<void> => {
    isUnderWay = true;
    try {
      await secret.use(
        (value) => {
          requirePlace(value);
          outcome = Promise.withResolvers();
          handed.resolve(loginOf(value));
          return outcome.promise;
        },
        { isRefused: refusedBy.redis, ...(deadline && { deadline }) },
      );
    } catch (error) {
      handed.promise.catch(() => undefined);
      handed.reject(error);
    } finally {
      isUnderWay = false;
      outcome = undefined;
    }
  };
  return {
    /** The credential for the next login. */
    next: async (): Promise<RedisLogin> => {
      if (!isUnderWay) {
        handed = Promise.withResolvers();
        void begin();
      }
      try {
        return await handed.promise;
      } finally {
        handed = Promise.withResolvers();
      }
    },
    /** Reports a login's outcome. @returns whether it was refused and will be tried with another credential */
    ended: (error: unknown): boolean => {
      const known = outcome;
      outcome = undefined;
      if (known === undefined) return false;
      if (error === undefined) known.resolve();
      else known.reject(error);
      return refusedBy.redis(error);
    },
  };
}
