import { optionalText } from '../../documents/fields.ts';
import type { Secret } from '../secrets.ts';
import type { SecretValue } from '../value.ts';
import { refusedBy } from './refused-by.ts';
import {
  callBack,
  type Login,
  loginOf,
  memberOf,
  methodOf,
  type PoolSettings,
  requireClass,
  requireDriver,
  setLogin,
  silenceRefusals,
} from './shared.ts';

/** The part of a `mssql.ConnectionPool` that is used. */
export interface MssqlPool {
  /** Opens the pool. */
  connect(): Promise<unknown>;
}

/** A SQL Server's place, by the option names of both drivers. */
interface SqlServerPlace {
  readonly server: string | undefined;
  readonly port: number | undefined;
  readonly database: string | undefined;
  readonly options: Readonly<Record<string, unknown>>;
}

/** Reads `[tcp:]host[\\instance][,port]`, which a JSON secret's host may also be. With a port, the instance is ignored. */
function serverOf({ fields }: SecretValue, { host = '', port, database, ssl }: Login): SqlServerPlace {
  const [, server, instance, named] =
    /^(?:tcp:)?([^,\\]*?)(?:\\([^,]*?))?\s*(?:,\s*(\d+))?$/i.exec(host.trim()) ?? [];
  const at = named === undefined ? port : Number(named);
  const trusts = fields.trustservercertificate;
  const intent = optionalText(fields, 'applicationintent') ?? '';
  return {
    server: server || undefined,
    port: at ?? (instance === undefined ? 1433 : undefined),
    database,
    options: {
      ...(at === undefined && instance !== undefined ? { instanceName: instance } : {}),
      ...(ssl === undefined ? {} : { encrypt: ssl }),
      ...(trusts === undefined ? {} : { trustServerCertificate: /^(true|yes|1)$/i.test(String(trusts)) }),
      ...(/^read\s?only$/i.test(intent) ? { readOnlyIntent: true } : {}),
    },
  };
}

/** Collects the server's error numbers of failed logins, which the drivers' errors leave out. */
class LoginErrors {
  readonly #numbers = new WeakMap<object, readonly number[]>();

  /** Listens to a connection of tedious that is about to log in. */
  hear(connection: unknown): void {
    const numbers: number[] = [];
    const listen = memberOf(connection, 'on');
    if (typeof listen !== 'function') return;
    const hear = (message: unknown): unknown => numbers.push(Number(memberOf(message, 'number')));
    const keep = (error: unknown): unknown => error && this.#numbers.set(Object(error), numbers);
    Reflect.apply(listen, connection, ['errorMessage', hear]);
    Reflect.apply(listen, connection, ['connect', keep]);
  }

  /**
   * True if the server has sent only 18456: name or password is wrong. For another cause, it sends a further error.
   *
   * @see https://learn.microsoft.com/sql/relational-databases/errors-events/mssqlserver-18456-database-engine-error
   */
  readonly isRefusal = (error: unknown): boolean => {
    const numbers = this.#numbers.get(Object(memberOf(error, 'originalError') ?? error)) ?? [];
    return refusedBy.sqlServer(error) && numbers.every((number) => number === 18456);
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
  const errors = new LoginErrors();
  const own = Object(memberOf(options, 'options'));
  const given = {
    ...options,
    options: { ...own },
    beforeConnect: (connection: unknown): void => {
      errors.hear(connection);
      methodOf(options, 'beforeConnect')(connection);
    },
  };
  const setPlace = (config: object, value: SecretValue): void => {
    const { user, password, ...login } = loginOf(value);
    const { options: said, ...place } = serverOf(value, { user, password, ...login });
    for (const [name, part] of Object.entries(said)) {
      if (memberOf(own, name) === undefined) Reflect.set(Object(memberOf(config, 'options')), name, part);
    }
    for (const [name, part] of Object.entries(place)) {
      if (memberOf(options, name) === undefined) Reflect.set(config, name, part);
    }
    setLogin(config, { user, password }, options);
  };
  setPlace(given, first);
  const pool: Pool = Reflect.construct(ConnectionPool, [given]);
  // Depending on the version, this is the object itself or a copy.
  const config = memberOf(pool, 'config');
  requireDriver(typeof config === 'object' && config !== null, name, example);
  silenceRefusals(pool, errors.isRefusal);
  const [connectOnce, acquireOnce, release] = ['connect', 'acquire', 'release'].map((method) =>
    methodOf(pool, method),
  );
  const known = new WeakSet<object>();
  let newest = loginOf(first);
  const use = (open: () => unknown, proves: (opened: unknown) => boolean): Promise<unknown> =>
    secret.use(
      (value) => {
        newest = loginOf(value);
        setPlace(Object(config), value);
        return open();
      },
      { isRefused: errors.isRefusal, proves, ...(deadline && { deadline }) },
    );

  const acquire = async (requester: unknown): Promise<unknown> => {
    for (;;) {
      const isNew = (opened: unknown): boolean => !known.has(Object(opened));
      const connection = await use(() => acquireOnce?.(requester), isNew);
      known.add(Object(connection));
      if (openConnections === 'keep' || passwordOf(connection) === newest.password) return connection;
      // The pool's own check drops a closed connection and makes room for another.
      methodOf(connection, 'close')();
      release?.(connection);
    }
  };
  const replace = (method: string, value: unknown): void => {
    Object.defineProperty(pool, method, { value, configurable: true, writable: true });
  };
  replace('acquire', (requester: unknown, callback?: (...args: unknown[]) => void) => {
    const acquired = acquire(requester);
    if (callback === undefined) return acquired;
    callBack(acquired, (error, connection) => callback(error, connection, config));
    return pool;
  });
  const connect = () =>
    use(
      () => connectOnce?.(),
      () => true,
    );
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
function passwordOf(connection: unknown): unknown {
  return ['config', 'authentication', 'options', 'password'].reduce<unknown>(memberOf, connection);
}

/** The part of a tedious `Connection` that is used. */
export interface TediousConnection {
  /** Opens the connection and logs in. */
  connect(callback: (error?: Error) => void): void;
  /** Closes the connection. */
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
  const errors = new LoginErrors();
  return () =>
    secret.use((value) => open(Connection, value, options, errors), {
      isRefused: errors.isRefusal,
      ...(deadline && { deadline }),
    });
}

function open<Connection extends TediousConnection>(
  Connection: new (...args: never[]) => Connection,
  value: SecretValue,
  given: object,
  errors: LoginErrors,
): Promise<Connection> {
  const login = loginOf(value);
  const { server, port, database, options } = serverOf(value, login);
  const configuration = {
    server,
    ...given,
    options: {
      database,
      ...(port === undefined ? {} : { port }),
      ...options,
      ...Object(memberOf(given, 'options')),
    },
    authentication: { type: 'default', options: { userName: login.user, password: login.password } },
  };
  const connection: Connection = Reflect.construct(Connection, [configuration]);
  errors.hear(connection);
  return new Promise((resolve, reject) => {
    connection.connect((error) =>
      error === undefined || error === null ? resolve(connection) : reject(error),
    );
  });
}
