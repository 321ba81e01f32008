import { invalidOption } from '../duration.ts';
import type { Secret } from '../secrets.ts';
import { refusedBy } from './refused-by.ts';
import {
  callBack,
  loginOf,
  memberOf,
  type PoolSettings,
  requireClass,
  requireDriver,
  setLogin,
} from './shared.ts';

/** A connection that a `pg.Pool` hands out. */
export interface PgClient {
  /** Gives the connection back; with `destroy`, closes it. */
  release(destroy?: Error | boolean): void;
}

/** The part of a `pg.Pool` that is used. */
export interface PgPool {
  /** The pool's options, by which new connections log in. */
  readonly options: object;
  /** Checks a connection out. */
  connect(): Promise<PgClient>;
}

/** See createPgPool. */
export async function pgPool<Options extends object, Pool extends PgPool>(
  Pool: new (options?: Options) => Pool,
  secret: Secret,
  options: Options | undefined,
  { openConnections = 'keep', deadline }: PoolSettings = {},
): Promise<Pool> {
  requireClass(Pool, ['connect', 'query', 'end'], 'the class pg.Pool', 'createPgPool(pg.Pool, secret)');
  if (memberOf(options, 'connectionString') !== undefined) {
    throw invalidOption('connectionString', 'brings a credential of its own', 'Leave it out.');
  }
  const pool: Pool = Reflect.construct(Pool, [{ ...loginOf(await secret.get()), ...options }]);
  requireDriver(
    memberOf(memberOf(pool, 'options'), 'user') !== undefined,
    'the class pg.Pool',
    'createPgPool(pg.Pool, secret)',
  );
  const checkOutOnce = pool.connect.bind(pool);
  const known = new WeakSet<object>();

  const isOld = (client: PgClient): boolean =>
    ['user', 'password', 'host', 'port'].some(
      (name) => memberOf(client, name) !== memberOf(pool.options, name),
    );
  const checkOut = async (): Promise<PgClient> => {
    for (;;) {
      const client = await secret.use(
        (value) => {
          setLogin(pool.options, loginOf(value), options ?? {});
          return checkOutOnce();
        },
        {
          isRefused: refusedBy.postgres,
          proves: (opened) => !known.has(opened),
          ...(deadline && { deadline }),
        },
      );
      known.add(client);
      if (openConnections === 'keep') return client;
      if (!isOld(client)) return releasing(client, isOld);
      client.release(true);
    }
  };
  const replaced = (callback?: (error: unknown, client?: PgClient, done?: unknown) => void): unknown => {
    const checkedOut = checkOut();
    if (callback === undefined) return checkedOut;
    return callBack(checkedOut, (error, client) =>
      callback(error ?? undefined, client, client === undefined ? () => undefined : client.release),
    );
  };
  return Object.defineProperty(pool, 'connect', { value: replaced, configurable: true, writable: true });
}

/** When the application gives the connection back and its credential is old, it is closed. */
function releasing(client: PgClient, isOld: (client: PgClient) => boolean): PgClient {
  const { release } = client;
  client.release = (destroy) => release.call(client, destroy || isOld(client));
  return client;
}
