import { isIPv6 } from 'node:net';
import {
  contradictoryField,
  optionalPort,
  optionalSsl,
  optionalText,
  requireText,
  type SecretFields,
  type Target,
} from '../../src/rotator/index.ts';

/** Values of `engine` that mean Redis or Valkey. */
export const engines: readonly string[] = ['redis', 'valkey'];

/** The host and port of a server. */
export interface Node {
  /** A name or an address. */
  readonly host: string;
  /** The TCP port. */
  readonly port: number;
}

/** A user of a Redis or Valkey, of one server or of all servers of a cluster. */
export interface RedisCredential {
  /** The servers that the secret names; with `masterName`, the Sentinels. */
  readonly nodes: readonly [Node, ...Node[]];
  /** The name under which Sentinels know the servers. */
  readonly masterName: string | undefined;
  /** How to log in at the Sentinels; undefined if they want no login. */
  readonly sentinelLogin: { readonly username: string; readonly password: string } | undefined;
  /** `default` if the secret names none, as for a password alone (`requirepass`). */
  readonly username: string;
  /** The user's password. */
  readonly password: string;
  /** `true`: verified TLS. `false`: plaintext. Absent: verified TLS, and plaintext only if the function allows it. */
  readonly ssl: boolean | undefined;
  /** The name to expect in the certificates, if it is not the host's. */
  readonly serverName: string | undefined;
}

const [defaultPort, sentinelPort] = [6379, 26379];

/** The most servers that a secret may name. Further servers of the same cluster do not count. */
const mostNamed = 16;

/**
 * Reads a secret for Redis or Valkey: `host` (one, or several with commas between them, each with its port or without),
 * `port`, `username`, `password`, `ssl` or `tls`, and `mastername` where the hosts are Sentinels.
 *
 * @throws InvalidSecretField
 */
export function parseCredential(fields: SecretFields): RedisCredential {
  const engine = optionalText(fields, 'engine');
  if (engine !== undefined && !engines.includes(engine)) {
    throw contradictoryField('engine', `is not ${engines.join(' or ')}`);
  }
  const masterName = optionalText(fields, 'mastername');
  if (masterName !== undefined && !isText(masterName))
    throw contradictoryField('mastername', 'holds a NUL or half a character');
  const serverName = optionalText(fields, 'sslservername');
  if (serverName !== undefined && !isHost(serverName))
    throw contradictoryField('sslservername', 'is no name or address of a host');
  const username = optionalText(fields, 'username') ?? 'default';
  if (!isAclName(username)) throw contradictoryField('username', 'holds a space, a NUL or half a character');
  const password = requireText(fields, 'password');
  if (!isText(password)) throw contradictoryField('password', 'holds a NUL or half a character');
  return {
    nodes: parseNodes(fields, masterName === undefined ? defaultPort : sentinelPort),
    masterName,
    sentinelLogin: sentinelLoginIn(fields),
    username,
    password,
    ssl: sslIn(fields),
    serverName,
  };
}

/** Reads `ssl`, or `tls`, as most clients of Redis call it. @throws InvalidSecretField */
function sslIn(fields: SecretFields): boolean | undefined {
  const { ssl, tls } = fields;
  if (ssl !== undefined && ssl !== null) return optionalSsl(fields);
  if (tls === undefined || tls === null || typeof tls === 'boolean' || /^(true|false)$/i.test(String(tls)))
    return optionalSsl({ ssl: tls });
  throw contradictoryField('tls', 'must be true or false');
}

/** @throws InvalidSecretField */
function sentinelLoginIn(fields: SecretFields): RedisCredential['sentinelLogin'] {
  const [username, password] = [
    optionalText(fields, 'sentinelusername'),
    optionalText(fields, 'sentinelpassword'),
  ];
  if (password === undefined) return undefined;
  if (!isText(password)) throw contradictoryField('sentinelpassword', 'holds a NUL or half a character');
  if (username !== undefined && !isAclName(username))
    throw contradictoryField('sentinelusername', 'holds a space, a NUL or half a character');
  return { username: username ?? 'default', password };
}

function isText(value: string): boolean {
  return !value.includes('\0') && value.isWellFormed();
}

/** The server takes no other names: https://redis.io/docs/latest/commands/acl-setuser/ */
function isAclName(name: string): boolean {
  return isText(name) && !/\s/u.test(name);
}

function isHost(host: string): boolean {
  return host.isWellFormed() && /^[^\s/\\@?#,\p{Cc}]+$/u.test(host);
}

/** @throws InvalidSecretField */
function parseNodes(fields: SecretFields, byDefault: number): readonly [Node, ...Node[]] {
  const host = requireText(fields, 'host');
  const beside = optionalPort({ port: fields.port === '' ? undefined : fields.port }, 'port', byDefault);
  const [first, ...others] = host.split(',').map((place) => parseNode(place, beside));
  if (first === undefined || others.length >= mostNamed)
    throw contradictoryField('host', `names no host or more than ${mostNamed}`);
  return [first, ...others];
}

function parseNode(place: string, byDefault: number): Node {
  const trimmed = place.trim();
  const [, bracketed, afterBracket] = /^\[([^\]]*)\](?::(\d+))?$/.exec(trimmed) ?? [];
  const [, named, afterName] = /^([^:]*):(\d+)$/.exec(trimmed) ?? [];
  const host = bracketed ?? named ?? trimmed;
  const isAddress = isIPv6(host.replace(/%.*$/, ''));
  if (!isHost(host) || (bracketed !== undefined && !isAddress) || (host.includes(':') && !isAddress))
    throw contradictoryField('host', 'is no name or address of a host');
  return { host, port: optionalPort({ host: afterBracket ?? afterName }, 'host', byDefault) };
}

/** `host:port`, which identifies a server. */
export function addressOf({ host, port }: Node): string {
  return `${host.includes(':') ? `[${host}]` : host.toLowerCase()}:${port}`;
}

/** What a credential opens. */
export function targetOf({ nodes, masterName, username }: RedisCredential): Target {
  const [{ host, port }, ...others] = nodes;
  const endpoints = [
    ...others.map(addressOf),
    ...(masterName === undefined ? [] : [`the master ${masterName}`]),
  ];
  return { host, port, account: username, ...(endpoints.length > 0 && { endpoints }) };
}
