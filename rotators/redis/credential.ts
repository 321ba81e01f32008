import {
  contradictoryField,
  optionalPort,
  optionalSsl,
  optionalText,
  requireText,
  type SecretFields,
  type Target,
} from '../../src/rotator/index.ts';
import {
  checked,
  type DatabaseLogin,
  optionalHostName,
  parseAddress,
  type Rule,
  requireEngine,
  visibleName,
  wholeText,
} from '../database/login.ts';

/** Values of `engine` that mean Redis or Valkey. */
export const engines: readonly string[] = ['redis', 'valkey'];

/** The host and port of a server. */
export interface Node {
  /** A name or an address. */
  readonly host: string;
  /** The TCP port. */
  readonly port: number;
}

/**
 * A user of a Redis or Valkey, of one server or of all servers of a cluster. `username` is `default` if the secret names
 * none, as for a password alone (`requirepass`). `ssl: false` is plaintext.
 */
export interface RedisCredential extends DatabaseLogin {
  /** The servers that the secret names; with `masterName`, the Sentinels. */
  readonly nodes: readonly [Node, ...Node[]];
  /** The name under which Sentinels know the servers. */
  readonly masterName: string | undefined;
  /** How to log in at the Sentinels; undefined if they want no login. */
  readonly sentinelLogin: { readonly username: string; readonly password: string } | undefined;
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
  requireEngine(fields, engines);
  const masterName = checkedIfAny(fields, 'mastername', wholeText);
  return {
    nodes: parseNodes(fields, masterName === undefined ? defaultPort : sentinelPort),
    masterName,
    sentinelLogin: sentinelLoginIn(fields),
    username: checkedIfAny(fields, 'username', ...aclName) ?? 'default',
    password: checked('password', requireText(fields, 'password'), wholeText),
    ssl: sslIn(fields),
    serverName: optionalHostName(fields, 'sslservername'),
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
  const password = checkedIfAny(fields, 'sentinelpassword', wholeText);
  if (password === undefined) return undefined;
  return { username: checkedIfAny(fields, 'sentinelusername', ...aclName) ?? 'default', password };
}

/** A text that keeps the rules; undefined if it is absent. @throws InvalidSecretField */
function checkedIfAny(fields: SecretFields, field: string, ...rules: readonly Rule[]): string | undefined {
  const text = optionalText(fields, field);
  return text === undefined ? undefined : checked(field, text, ...rules);
}

/** The server takes no other names: https://redis.io/docs/latest/commands/acl-setuser/ */
const aclName: readonly Rule[] = [
  wholeText,
  { fits: (name) => !/\s/u.test(name), problem: 'holds a space' },
  visibleName,
];

/** @throws InvalidSecretField */
function parseNodes(fields: SecretFields, byDefault: number): readonly [Node, ...Node[]] {
  const host = requireText(fields, 'host');
  const beside = optionalPort(fields, 'port', byDefault);
  const [first, ...others] = host.split(',').map((place): Node => {
    const { host: name, port = beside } = parseAddress('host', place);
    return { host: name, port };
  });
  if (first === undefined || others.length >= mostNamed)
    throw contradictoryField('host', `names no host or more than ${mostNamed}`);
  return [first, ...others];
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
