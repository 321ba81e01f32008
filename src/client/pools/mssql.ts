import { optionalText } from '../../documents/fields.ts';
import type { Secret } from '../secrets.ts';
import type { SecretValue } from '../value.ts';
import { refusedBy } from './refused-by.ts';
import {
  callBack,
  hushRefusals,
  type Login,
  loginOf,
  memberOf,
  type PoolSettings,
  requireClass,
  requireDriver,
  setLogin,
} from './shared.ts';

/** The part of a `mssql.ConnectionPool` that is used. */
export interface MssqlPool {
  connect(): Promise<unknown>;
  acquire(requester: unknown): Promise<unknown>;
  release(connection: unknown): unknown;
}

/** Where a SQL Server is, and what else a connection string says of it. */
interface SqlServerPlace {
  readonly server: string | undefined;
  readonly port: number | undefined;
  readonly database: string | undefined;
  readonly options: Readonly<Record<string, boolean>>;
}

/** `host`, `tcp:host`, `host,port`: as the words of a connection string may stand in JSON too. */
function placeOf(value: SecretValue, login: Login): SqlServerPlace {
  const { fields } = value;
  const [, server, port] = /^(?:tcp:)?([^,]*?)\s*(?:,\s*(\d+))?$/i.exec(login.host?.trim() ?? '') ?? [];
  const trusts = fields.trustservercertificate;
  return {
    server,
    port: port === undefined ? login.port : Number(port),
    database: login.database,
    options: {
      ...(login.ssl === undefined ? {} : { encrypt: login.ssl }),
      ...(trusts === undefined ? {} : { trustServerCertificate: /^(true|yes|1)$/i.test(String(trusts)) }),
      ...(/^read\s?only$/i.test(optionalText(fields, 'applicationintent') ?? '')
        ? { readOnlyIntent: true }
        : {}),
    },
  };
}

/** See createMssqlPool. */
export async function mssqlPool<Pool extends MssqlPool>(
  ConnectionPool: new (...args: never[]) => Pool,
  secret: Secret,
  options: object,
  { openConnections = 'keep', deadline }: PoolSettings = {},
): Promise<Pool> {
  const example = 'createMssqlPool(mssql.ConnectionPool, secret)';
  const name = 'the class mssql.ConnectionPool';
  requireClass(ConnectionPool, ['connect', 'acquire', 'release'], name, example);
  const first = await secret.get();
  const place = placeOf(first, loginOf(first));
  const given = {
    ...place,
    ...options,
    options: { ...place.options, ...Object(memberOf(options, 'options')) },
  };
  setLogin(given, loginOf(first));
  const pool: Pool = Reflect.construct(ConnectionPool, [given]);
  // Some versions take the object itself, some a copy.
  const config = memberOf(pool, 'config');
  requireDriver(typeof config === 'object' && config !== null, name, example);
  hushRefusals(pool, refusedBy.sqlServer);
  const [connectOnce, acquireOnce] = [pool.connect.bind(pool), pool.acquire.bind(pool)];
  const known = new WeakSet<object>();
  let newest = loginOf(first);
  const use = <T>(open: () => Promise<T>, proves: (opened: T) => boolean): Promise<T> =>
    secret.use(
      (value) => {
        newest = loginOf(value);
        setLogin(Object(config), newest);
        return open();
      },
      { isRefused: refusedBy.sqlServer, proves, ...(deadline && { deadline }) },
    );

  const acquire = async (requester: unknown): Promise<unknown> => {
    for (;;) {
      const connection = Object(
        await use(
          () => acquireOnce(requester),
          (opened) => !known.has(Object(opened)),
        ),
      );
      known.add(connection);
      const isCurrent = openConnections === 'keep' || passwordOf(connection) === newest.password;
      if (isCurrent) return connection;
      // A connection that is closed does not pass the pool's own check, which makes room for another.
      Reflect.apply(connection.close, connection, []);
      pool.release(connection);
    }
  };
  const replace = (name: string, value: unknown): void => {
    Object.defineProperty(pool, name, { value, configurable: true, writable: true });
  };
  replace('acquire', (requester: unknown, callback?: (...args: unknown[]) => void) => {
    const acquired = acquire(requester);
    if (callback === undefined) return acquired;
    callBack(acquired, (error, connection) => callback(error, connection, config));
    return pool;
  });
  const connect = () => use(connectOnce, () => true);
  replace('connect', (callback?: (error: unknown) => void) => {
    const connected = connect();
    if (callback === undefined) return connected;
    callBack(connected, callback);
    return pool;
  });
  await connect();
  return pool;
}

/** The password that a connection of tedious has logged in with. */
function passwordOf(connection: object): unknown {
  return ['config', 'authentication', 'options', 'password'].reduce<unknown>(memberOf, connection);
}

/** The part of a tedious `Connection` that is used. */
export interface TediousConnection {
  connect(callback: (error?: Error) => void): void;
  close(): void;
}

/** See createTediousConnector. */
export async function tediousConnector<Connection extends TediousConnection>(
  Connection: new (...args: never[]) => Connection,
  secret: Secret,
  options: object,
  { deadline }: PoolSettings = {},
): Promise<() => Promise<Connection>> {
  const example = 'createTediousConnector(tedious.Connection, secret)';
  requireClass(Connection, ['connect', 'close', 'execSql'], 'the class tedious.Connection', example);
  return () =>
    secret.use((value) => open(Connection, value, options), {
      isRefused: refusedBy.sqlServer,
      ...(deadline && { deadline }),
    });
}

function open<Connection extends TediousConnection>(
  Connection: new (...args: never[]) => Connection,
  value: SecretValue,
  given: object,
): Promise<Connection> {
  const login = loginOf(value);
  const { server, port, database, options } = placeOf(value, login);
  const [host, instanceName] = server?.split('\\') ?? [];
  const where = instanceName === undefined ? { port: port ?? 1433 } : { instanceName };
  const configuration = {
    server: host,
    ...given,
    options: { database, ...where, ...options, ...Object(memberOf(given, 'options')) },
    authentication: { type: 'default', options: { userName: login.user, password: login.password } },
  };
  const connection: Connection = Reflect.construct(Connection, [configuration]);
  return new Promise((resolve, reject) => {
    connection.connect((error) =>
      error === undefined || error === null ? resolve(connection) : reject(error),
    );
  });
}
