import type { Secret } from '../secrets.ts';
import { refusedBy } from './refused-by.ts';
import {
  callBack,
  type Login,
  loginOf,
  memberOf,
  type PoolSettings,
  requireDriver,
  setLogin,
} from './shared.ts';

interface MysqlConnection {
  destroy(): void;
}

type Callback = (error: unknown, connection?: MysqlConnection) => void;

/** See createMysqlPool. */
export async function mysqlPool<Pool extends object>(
  createPool: (options: never) => Pool,
  secret: Secret,
  options: object,
  { openConnections = 'keep', deadline }: PoolSettings = {},
): Promise<Pool> {
  const [name, example] = ['createPool of mysql2', 'createMysqlPool(mysql.createPool, secret)'];
  requireDriver(typeof createPool === 'function', name, example);
  const first = loginOf(await secret.get());
  const { user, password } = first;
  const tls = first.ssl === true ? { ssl: {} } : {};
  const given = { ...withoutTls(first), ...tls, ...options, user, password };
  const pool: Pool = Reflect.apply(createPool, undefined, [given]);
  // A pool of `mysql2/promise` wraps the pool of `mysql2`.
  const core = Object(memberOf(pool, 'pool') ?? pool);
  const config = ['config', 'connectionConfig'].reduce<unknown>(memberOf, core);
  const [getConnection, releaseConnection] = [core.getConnection, core.releaseConnection];
  requireDriver(
    typeof getConnection === 'function' &&
      typeof releaseConnection === 'function' &&
      memberOf(config, 'user') === first.user,
    name,
    example,
  );
  const known = new WeakSet<object>();
  let newest = first;
  const getOnce = (): Promise<MysqlConnection> =>
    new Promise((resolve, reject) => {
      const settle: Callback = (error, connection) =>
        error || connection === undefined ? reject(error) : resolve(connection);
      Reflect.apply(getConnection, core, [settle]);
    });
  const isOld = (connection: MysqlConnection): boolean => {
    const own = memberOf(connection, 'config');
    return memberOf(own, 'user') !== newest.user || memberOf(own, 'password') !== newest.password;
  };
  const get = async (): Promise<MysqlConnection> => {
    for (;;) {
      const connection = await secret.use(
        (value) => {
          newest = loginOf(value);
          setLogin(Object(config), withoutTls(newest), options);
          return getOnce();
        },
        { isRefused: refusedBy.mysql, proves: (opened) => !known.has(opened), ...(deadline && { deadline }) },
      );
      known.add(connection);
      if (openConnections === 'keep' || !isOld(connection)) return connection;
      connection.destroy();
    }
  };
  const replace = (method: string, value: unknown): void => {
    Object.defineProperty(core, method, { value, configurable: true, writable: true });
  };
  replace('getConnection', (callback: Callback) => callBack(get(), callback));
  replace('releaseConnection', (connection: MysqlConnection) => {
    if (openConnections === 'drain' && known.has(connection) && isOld(connection)) connection.destroy();
    else Reflect.apply(releaseConnection, core, [connection]);
  });
  return pool;
}

/** Leaves `ssl` out: the driver's own option differs, and is set once at the start. */
function withoutTls({ ssl: _ssl, ...login }: Login): Login {
  return login;
}
