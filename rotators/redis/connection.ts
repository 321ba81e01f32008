import { isIP, type Socket } from 'node:net';
import { createSecureContext, type SecureContext } from 'node:tls';
import { missing, type RotatorContext, requireSuitable } from '../../src/rotator/index.ts';
import { authoritiesWith } from '../authorities.ts';
import { addressOf, type Node, type RedisCredential } from './credential.ts';
import { abortError, authenticate, dial, type TlsWanted } from './dial.ts';
import { codeOf, connectionError, isTlsUnavailable, ServerError } from './server-error.ts';

/** How the function connects, for all secrets. */
export interface ConnectOptions {
  /** PEM of the authorities to trust besides Node.js's own; called when a connection needs it. */
  readonly ca?: () => string | undefined;
  /** Whether a secret without `ssl` may be sent in plaintext if the server has no TLS. Default: no. */
  readonly allowPlaintext?: boolean;
}

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

export function createConnector(options: ConnectOptions): Connector {
  const trust = createTrust(options);

  const dialWith = async (node: Node, login: Login, context: RotatorContext): Promise<Socket> => {
    const names = namesOf(node, login);
    if (login.ssl === false) return dial(node, undefined, context.signal);
    try {
      return await dial(node, { secureContext: trust(), names }, context.signal);
    } catch (error) {
      const mayFallBack = login.ssl === undefined && options.allowPlaintext === true;
      if (!mayFallBack || !isTlsUnavailable(error)) throw error;
    }
    context.note(
      `The server at ${addressOf(node)} has no TLS: connecting in plaintext, as KEYTURN_ALLOW_PLAINTEXT allows.`,
    );
    return dial(node, undefined, context.signal);
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

/** Made once for each CA: reading all authorities takes longer than a login. */
function createTrust({ ca }: ConnectOptions): () => SecureContext | undefined {
  let made: { readonly pem: string; readonly context: SecureContext } | undefined;
  return () => {
    const pem = ca?.();
    if (pem === undefined) return undefined;
    if (made?.pem !== pem) made = { pem, context: createSecureContext({ ca: authoritiesWith(pem) }) };
    return made.context;
  };
}

async function loadDriver() {
  requireSuitable('ioredis');
  // Use the default export: in a bundle, a CommonJS package that is imported later has no other.
  const { default: driver } = await import('ioredis').catch(missing('ioredis'));
  return driver;
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
  const abort = (): void => void socket.destroy(abortError(signal));
  signal.addEventListener('abort', abort, { once: true });
  const close = async (): Promise<void> => {
    signal.removeEventListener('abort', abort);
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
