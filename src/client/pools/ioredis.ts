import type { Socket } from 'node:net';
import type { Secret } from '../secrets.ts';
import type { SecretValue } from '../value.ts';
import { authOf, logInOnChange, loginOf, once, placeOf } from './redis.ts';
import { refusedBy } from './refused-by.ts';
import { memberOf, type PoolSettings, requireClass } from './shared.ts';

/** See createIoRedis. */
export async function ioRedis<Redis extends object>(
  Redis: new (...args: never[]) => Redis,
  secret: Secret,
  options: object,
  settings: PoolSettings = {},
): Promise<Redis> {
  const [name, example] = ['the class Redis of ioredis', 'createIoRedis(Redis, secret)'];
  requireClass(Redis, ['call', 'disconnect', 'duplicate'], name, example);
  const { host, port, database, tls } = placeOf(await secret.get());
  const given = { host, port, db: database, ...(tls ? { tls: {} } : {}), ...options };
  const Connector = connectorOf(secret, settings, options);
  const redis: Redis = Reflect.construct(Redis, [
    { ...given, username: undefined, password: undefined, Connector },
  ]);
  const call = memberOf(redis, 'call');
  if (settings.openConnections === 'drain' && typeof call === 'function') {
    logInOnChange(secret, once(redis, 'end'), (value) => Reflect.apply(call, redis, authOf(loginOf(value))));
  }
  return redis;
}

/** The options that ioredis passes to a connector. */
interface ConnectorOptions {
  readonly host?: string;
  readonly port?: number;
  readonly path?: string;
  readonly family?: number;
  readonly tls?: object;
  readonly connectTimeout?: number;
}

/**
 * Makes a connector for ioredis whose connections are already logged in. If ioredis's own login is refused, it fails all
 * waiting commands.
 */
function connectorOf(secret: Secret, { deadline }: PoolSettings, said: ConnectorOptions) {
  return class Connector {
    firstError: unknown;
    connecting = false;
    readonly #options: ConnectorOptions;
    #stream: Socket | undefined;

    constructor(options: ConnectorOptions) {
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
        const { host, port } = placeOf(value);
        const stream = await dial({ ...this.#options, host, port, ...said });
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

async function dial({ host, port, path, family, tls }: ConnectorOptions): Promise<Socket> {
  const where = path === undefined ? { host, port, family } : { path };
  if (tls !== undefined) return (await import('node:tls')).connect({ ...where, ...tls });
  const { createConnection } = await import('node:net');
  return path === undefined
    ? createConnection({ host: host ?? 'localhost', port: port ?? 6379, ...(family && { family }) })
    : createConnection({ path });
}

/** Waits until a connection is open. @throws the connection's error */
function opened(stream: Socket, event: 'connect' | 'secureConnect', timeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('connect ETIMEDOUT')), timeoutMs);
    stream.once('error', reject).once(event, () => {
      stream.off('error', reject);
      resolve();
    });
    stream.once(event, () => clearTimeout(timer)).once('close', () => clearTimeout(timer));
  });
}

/** Sends a command on a connection that is not in use yet. @throws Error with the server's answer */
function command(stream: Socket, words: readonly string[]): Promise<void> {
  const bulk = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
  return new Promise((resolve, reject) => {
    let answer = '';
    const end = (settle: () => void): void => {
      stream.off('data', hear).off('error', fail).off('close', close);
      settle();
    };
    const fail = (error: Error): void => end(() => reject(error));
    const close = (): void => fail(new Error('Connection is closed.'));
    const hear = (chunk: Buffer): void => {
      answer += chunk.toString('latin1');
      if (!answer.endsWith('\r\n')) return;
      end(() => (answer.startsWith('+') ? resolve() : reject(new Error(answer.slice(1).trim()))));
    };
    stream.on('data', hear).once('error', fail).once('close', close);
    stream.write(`*${words.length}\r\n${bulk.join('')}`);
  });
}
