import { KeyturnError } from '../../errors.ts';
import type { Secret } from '../secrets.ts';
import type { SecretValue } from '../value.ts';
import { authOf, logInOnChange, loginOf, once, placeOf, type RedisLogin } from './redis.ts';
import { refusedBy } from './refused-by.ts';
import { memberOf, type PoolSettings, requireDriver } from './shared.ts';

/** See createNodeRedis. */
export async function nodeRedis<Client extends object>(
  createClient: (options: never) => Client,
  secret: Secret,
  options: object,
  settings: PoolSettings = {},
): Promise<Client> {
  const [name, example] = ['createClient of redis', 'createNodeRedis(createClient, secret)'];
  requireDriver(typeof createClient === 'function', name, example);
  const { host, port, database, tls } = placeOf(await secret.get());
  const said = Object(memberOf(options, 'socket'));
  const socket = { host, port, ...(tls ? { tls } : {}), ...said };
  const logins = loginsOf(secret, settings, (value) => {
    const now = placeOf(value);
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

/** The object that emits events: node-redis returns an object whose prototype is the client. */
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
