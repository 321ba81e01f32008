import { isIP, type Socket } from 'node:net';
import { missing, type RotatorContext, requireSuitable } from '../../src/rotator/index.ts';
import {
  abortError,
  type ConnectionOptions,
  createTrust,
  destroyOnAbort,
  tlsFirst,
} from '../database/connection.ts';
import { codeOf } from '../network.ts';
import { addressOf, type Node, type RedisCredential } from './credential.ts';
import { authenticate, dial, type TlsWanted } from './dial.ts';
import { connectionError, ServerError } from './server-error.ts';

/** An open connection to a server. The server has accepted a credential, unless it is a Sentinel without a login. */
export interface Connection {
  /** Where the server is. */
  readonly node: Node;
  /** Whether the connection has TLS. */
  readonly encrypted: boolean;
  /**
   * Sends a command, and returns the answer in the types of RESP 2. @throws ServerError, and errors of the connection
   */
  ask(...words: string[]): Promise<unknown>;
  /** Closes the connection. */
  close(): Promise<void>;
}

/** Who logs in, and how. */
export type Login = Pick<RedisCredential, 'username' | 'password' | 'ssl' | 'serverName'> & {
  /** The servers that the secret itself names. */
  readonly named: readonly Node[];
};

/**
 * The names for a server's certificate, which has to carry one of them. Anybody who may join a cluster, or replicate,
 * could add a host of their own, with a certificate for it, and get the password. So a server that the secret does not
 * name has to show the secret's name, or a name beside or below it.
 */
export function namesOf(
  node: Node,
  { serverName, named }: Pick<Login, 'serverName' | 'named'>,
): TlsWanted['names'] {
  if (serverName !== undefined) return [serverName];
  const isNamed = named.some((other) => addressOf(other) === addressOf(node));
  const [first = node] = named;
  if (isNamed) return [node.host];
  const isBeside = named.some(({ host }) => isOfSameDomain(node.host, host));
  return isBeside ? [first.host, node.host] : [first.host];
}

/**
 * Whether a host is below a named one, or beside it in a domain with a single owner. Such a domain has three labels or
 * more, or two if the last one is not a country's (`example.com`): under `co.uk`, many owners register.
 */
function isOfSameDomain(host: string, named: string): boolean {
  if (isIP(host) !== 0 || isIP(named) !== 0) return false;
  const [one, other] = [host.toLowerCase(), named.toLowerCase()];
  if (one.endsWith(`.${other}`)) return true;
  const parent = other.split('.').slice(1);
  const isOwned = parent.length > 2 || (parent.length === 2 && (parent[1] ?? '').length > 2);
  return isOwned && one.endsWith(`.${parent.join('.')}`);
}

/** Opens connections. */
export interface Connector {
  /**
   * Logs in at one server; undefined if it refuses the password.
   *
   * @throws DriverMissing, TargetFailed, {@link ServerError}, and errors of the connection
   */
  open(node: Node, login: Login, context: RotatorContext): Promise<Connection | undefined>;
  /** Connects without a login: Sentinels often have none. */
  reach(node: Node, login: Login, context: RotatorContext): Promise<Connection>;
}

/** The longest wait for an answer to a command, in ms. */
const commandTimeoutMs = 10_000;

export function createConnector(options: ConnectionOptions): Connector {
  const trust = createTrust(options);

  const dialWith = async (node: Node, login: Login, context: RotatorContext): Promise<Socket> => {
    const tls = { secureContext: trust.secureContext(), names: namesOf(node, login) };
    const dialOnce = (encrypted: boolean): Promise<Socket> =>
      dial(node, encrypted ? tls : undefined, context.signal);
    if (login.ssl === false) return dialOnce(false);
    return tlsFirst({ host: addressOf(node), ssl: login.ssl }, options, context, dialOnce);
  };

  return {
    open: async (node, login, context) => {
      // Load the driver before connecting, because it may be missing.
      await loadDriver();
      const socket = await dialWith(node, login, context);
      try {
        if (await authenticate(socket, node, login, context.signal))
          return await attach(socket, node, context);
      } catch (error) {
        socket.destroy();
        throw error;
      }
      socket.destroy();
      return undefined;
    },
    reach: async (node, login, context) => {
      await loadDriver();
      return attach(await dialWith(node, login, context), node, context);
    },
  };
}

async function loadDriver() {
  requireSuitable('ioredis');
  try {
    // Use the default export: in a bundle, a CommonJS package that is imported later has no other.
    return (await import('ioredis')).default;
  } catch (error) {
    return missing('ioredis')(error);
  }
}

/** The driver on an open connection. It sends nothing by itself, and does not reconnect. */
async function attach(socket: Socket, node: Node, { signal }: RotatorContext): Promise<Connection> {
  const { Redis, AbstractConnector } = await loadDriver();
  class Connector extends AbstractConnector {
    constructor() {
      super(0);
    }
    override disconnect(): void {
      socket.end();
    }
    async connect(): Promise<Socket> {
      return socket;
    }
  }
  const client = new Redis({
    lazyConnect: true,
    protocol: 2,
    enableReadyCheck: false,
    disableClientInfo: true,
    maxRetriesPerRequest: 0,
    commandTimeout: commandTimeoutMs,
    retryStrategy: () => null,
    Connector,
  });
  client.on('error', () => undefined);
  const letGo = destroyOnAbort(socket, signal);
  const close = async (): Promise<void> => {
    letGo();
    client.disconnect();
    socket.destroy();
  };
  try {
    await client.connect();
  } catch (error) {
    await close();
    throw signal.aborted ? abortError(signal) : error;
  }
  return {
    node,
    encrypted: 'encrypted' in socket,
    ask: async (command, ...words) => {
      try {
        return await client.call(command, ...words);
      } catch (error) {
        throw explained(error, node, signal);
      }
    },
    close,
  };
}

/** The driver's errors hold the whole command. Only the server's own message leaves this function. */
function explained(error: unknown, node: Node, signal: AbortSignal): unknown {
  if (signal.aborted) return abortError(signal);
  if (!(error instanceof Error)) return error;
  if (error.name === 'ReplyError') return new ServerError(error.message);
  const code = codeOf(error);
  const message = /timed out/i.test(error.message)
    ? `${addressOf(node)} does not answer`
    : `the connection to ${addressOf(node)} was lost`;
  return connectionError(code === '' ? 'ECONNRESET' : code, message);
}
