import { KeyturnError, type RotatorContext, type Session } from '../../src/rotator/index.ts';
import { firstReachable } from '../database/connection.ts';
import type { Connection, Connector, Login } from './connection.ts';
import { addressOf, type Node, type RedisCredential } from './credential.ts';
import { isUnreachable, ServerError } from './server-error.ts';

/** A login at a server that the secret or its Sentinels name. */
export interface RedisSession extends Session {
  /** The credential that was accepted. */
  readonly credential: RedisCredential;
  /** The connection to that server. */
  readonly connection: Connection;
  /** The servers that the secret and its Sentinels name. The session's own server comes first. */
  readonly named: readonly Node[];
}

/** How to log in at any server of a credential. */
export function loginOf({ username, password, ssl, serverName, nodes }: RedisCredential): Login {
  return { username, password, ssl, serverName, named: nodes };
}

/**
 * As {@link loginOf}, for a server that another server (`teller`) has named. If `teller` speaks TLS, the named server must
 * too. Otherwise anybody who may join the cluster, or replicate, could get the password in plaintext, if the function
 * allows plaintext.
 */
export function loginBeside(teller: Pick<Connection, 'encrypted'>, credential: RedisCredential): Login {
  return { ...loginOf(credential), ...(teller.encrypted && { ssl: true }) };
}

/**
 * Logs in at the first server that answers, or at the master that the Sentinels name. Its answer about the password
 * counts. The other servers are asked before a change and after it.
 *
 * @returns undefined if the server refuses the password
 * @throws InvalidSecretField, PermissionDenied if the Sentinels don't fit the secret; and what {@link Connector} throws
 */
export async function openSession(
  connector: Connector,
  credential: RedisCredential,
  context: RotatorContext,
): Promise<RedisSession | undefined> {
  const { nodes: named, login } = await namedServers(connector, credential, context);
  const connection = await firstReachable(named, isUnreachable, (node) =>
    connector.open(node, login, context),
  );
  if (connection === undefined) return undefined;
  const others = named.filter((node) => addressOf(node) !== addressOf(connection.node));
  return {
    credential,
    connection,
    named: [connection.node, ...others],
    close: () => connection.close(),
  };
}

async function namedServers(
  connector: Connector,
  credential: RedisCredential,
  context: RotatorContext,
): Promise<{ readonly nodes: readonly Node[]; readonly login: Login }> {
  const { masterName } = credential;
  if (masterName === undefined) return { nodes: credential.nodes, login: loginOf(credential) };
  return firstReachable(credential.nodes, isUnreachable, async (sentinel) => {
    const connection = await openSentinel(connector, sentinel, credential, context);
    try {
      const nodes = await serversOfMaster(connection, masterName);
      return { nodes, login: loginBeside(connection, credential) };
    } finally {
      await connection.close();
    }
  });
}

/** Connects to a Sentinel. Sentinels never get the credential itself, because they have their own users. */
async function openSentinel(
  connector: Connector,
  node: Node,
  credential: RedisCredential,
  context: RotatorContext,
): Promise<Connection> {
  const { sentinelLogin } = credential;
  if (sentinelLogin === undefined) return connector.reach(node, loginOf(credential), context);
  const connection = await connector.open(node, { ...loginOf(credential), ...sentinelLogin }, context);
  if (connection === undefined) throw sentinelLocked(node);
  return connection;
}

/**
 * The master and its replicas, as a Sentinel knows them.
 *
 * @see https://redis.io/docs/latest/operate/oss_and_stack/management/sentinel/
 */
async function serversOfMaster(sentinel: Connection, masterName: string): Promise<Node[]> {
  const master = await askSentinel(sentinel, 'GET-MASTER-ADDR-BY-NAME', masterName);
  const node = Array.isArray(master) ? nodeOf(master[0], master[1]) : undefined;
  if (node === undefined) {
    throw new KeyturnError(
      'InvalidSecretField',
      `The Sentinel at ${addressOf(sentinel.node)} knows no master of the name that the secret's "mastername" gives.`,
      'Correct the secret and rotate again.',
      { field: 'mastername' },
    );
  }
  // SLAVES, because Sentinels before 5.0.2 don't know REPLICAS.
  const replicas = await askSentinel(sentinel, 'SLAVES', masterName);
  const found = Array.isArray(replicas) ? replicas.map(pairsOf) : [];
  return [node, ...found.flatMap((replica) => nodeOf(replica.get('ip'), replica.get('port')) ?? [])];
}

async function askSentinel(sentinel: Connection, command: string, masterName: string): Promise<unknown> {
  try {
    return await sentinel.ask('SENTINEL', command, masterName);
  } catch (error) {
    if (!(error instanceof ServerError)) throw error;
    if (error.code === 'NOAUTH') throw sentinelLocked(sentinel.node);
    // SLAVES answers this for an unknown master.
    if (/^ERR No such master/.test(error.message)) return undefined;
    if (/^ERR unknown command/i.test(error.message)) throw noSentinel(sentinel.node);
    throw error;
  }
}

function sentinelLocked(node: Node): KeyturnError {
  return new KeyturnError(
    'PermissionDenied',
    `The Sentinel at ${addressOf(node)} wants a login of its own, or refuses the one that the secret has for it.`,
    'Put it in the secret: "sentinelpassword", and "sentinelusername" where it is not the default user.',
    { field: 'sentinelpassword' },
  );
}

function noSentinel(node: Node): KeyturnError {
  return new KeyturnError(
    'InvalidSecretField',
    `The server at ${addressOf(node)} is no Sentinel, and the secret's "mastername" says that it is one.`,
    'Name the Sentinels in "host", or take "mastername" out.',
    { field: 'mastername' },
  );
}

/** What a server says of itself. All undefined if the session's user may not ask. */
interface Hello {
  readonly mode: string | undefined;
  readonly version: string | undefined;
  readonly product: string | undefined;
}

/** @see https://redis.io/docs/latest/commands/hello/ */
export async function helloOf(connection: Connection): Promise<Hello> {
  try {
    const answer = pairsOf(await connection.ask('HELLO', '2'));
    return { mode: answer.get('mode'), version: answer.get('version'), product: answer.get('server') };
  } catch (error) {
    if (!(error instanceof ServerError)) throw error;
    return { mode: undefined, version: undefined, product: undefined };
  }
}

/** All servers that must know the same password. The session's own server comes first. */
export interface Servers {
  readonly nodes: readonly Node[];
  /** Why there may be more servers; undefined if these are all. */
  readonly incomplete: string | undefined;
}

/**
 * Finds the servers of a cluster, or the replicas of a master. Users are not replicated.
 *
 * @throws TargetReadOnly if no named server is a master; TargetBusy while a server is joining a cluster
 * @see https://redis.io/docs/latest/operate/oss_and_stack/management/security/acl/
 */
export async function serversOf(session: RedisSession, others: readonly Connection[] = []): Promise<Servers> {
  const { mode } = await helloOf(session.connection);
  if (mode === 'sentinel') throw isSentinel(session.connection.node);
  return mode === 'cluster' ? clusterOf(session) : mastersAndReplicas(session, others);
}

function isSentinel(node: Node): KeyturnError {
  return new KeyturnError(
    'InvalidSecretField',
    `The server at ${addressOf(node)} is a Sentinel, and the secret does not say of which master.`,
    'Nothing was changed. Give the name of the master in "mastername".',
    { field: 'mastername' },
  );
}

async function clusterOf({ connection, named }: RedisSession): Promise<Servers> {
  try {
    const text = String(await connection.ask('CLUSTER', 'NODES'));
    const lines = text.split('\n').filter((line) => line.trim() !== '');
    return { nodes: unique([...named, ...lines.flatMap(clusterNode)]), incomplete: undefined };
  } catch (error) {
    if (!isNoPermission(error)) throw error;
  }
  try {
    // Cluster clients need this command, so more users may run it. Its answer lacks servers without slots.
    const slots = await connection.ask('CLUSTER', 'SLOTS');
    const found = Array.isArray(slots) ? slots.flatMap((range) => slotNodes(range, connection.node)) : [];
    return {
      nodes: unique([...named, ...found]),
      incomplete: 'the user may not run CLUSTER NODES (+cluster|nodes)',
    };
  } catch (error) {
    if (!isNoPermission(error)) throw error;
    return { nodes: named, incomplete: 'the user may not ask which servers there are (+cluster|nodes)' };
  }
}

/**
 * Reads one line of CLUSTER NODES: `ID IP:PORT@BUS[,HOSTNAME[,...]] FLAGS MASTER ...`. Empty for the answering server
 * itself.
 *
 * @throws TargetBusy for a server that is joining; TargetUnreachable for one without a known address
 * @see https://redis.io/docs/latest/commands/cluster-nodes/
 */
export function clusterNode(line: string): Node[] {
  const [, address = '', flags = ''] = line.trim().split(' ');
  const said = flags.split(',');
  if (said.includes('myself')) return [];
  if (said.includes('handshake')) {
    throw new KeyturnError(
      'TargetBusy',
      'A server is joining the cluster just now.',
      'Nothing was changed; the rotation is tried again.',
    );
  }
  const [where = '', hostname = ''] = address.split(',');
  const [, ip = '', port = ''] = /^(.*):(\d+)(?:@\d+)?$/.exec(where) ?? [];
  const node = nodeOf(hostname === '' || hostname.includes('=') ? ip : hostname, port);
  if (node !== undefined && !said.includes('noaddr')) return [node];
  throw new KeyturnError(
    'TargetUnreachable',
    'The cluster has a server whose address is not known.',
    'Nothing was changed. Take it out (CLUSTER FORGET), or bring it back, and rotate again.',
  );
}

/** Reads `[from, to, [endpoint, port, id, metadata], ...]`. Without an endpoint, the host is that of the asked server. */
function slotNodes(range: unknown, asked: Node): Node[] {
  if (!Array.isArray(range)) return [];
  return range.slice(2).flatMap((entry) => {
    if (!Array.isArray(entry)) return [];
    const [endpoint, port] = entry;
    return nodeOf(endpoint === null || endpoint === '' ? asked.host : endpoint, port) ?? [];
  });
}

async function mastersAndReplicas(session: RedisSession, others: readonly Connection[]): Promise<Servers> {
  const found: Node[] = [];
  let [hasMaster, incomplete]: [boolean, string | undefined] = [false, undefined];
  for (const connection of [session.connection, ...others]) {
    try {
      const info = infoOf(await connection.ask('INFO', 'replication'));
      hasMaster ||= info.get('role') === 'master';
      for (const [name, value] of info) {
        if (!/^slave\d+$/.test(name)) continue;
        const said = new Map(value.split(',').map((part) => splitAt(part, '=')));
        found.push(...[nodeOf(said.get('ip'), said.get('port'))].flatMap((node) => node ?? []));
      }
    } catch (error) {
      if (!isNoPermission(error)) throw error;
      [hasMaster, incomplete] = [true, 'the user may not ask for replicas (+info)'];
    }
  }
  if (!hasMaster) {
    throw new KeyturnError(
      'TargetReadOnly',
      `The server at ${addressOf(session.connection.node)} is a replica.`,
      'Nothing was changed. Name the master in "host", or the Sentinels with "mastername".',
      { field: 'host' },
    );
  }
  return { nodes: unique([...session.named, ...found]), incomplete };
}

export function isNoPermission(error: unknown): boolean {
  return error instanceof ServerError && error.code === 'NOPERM';
}

function unique(nodes: readonly Node[]): Node[] {
  return [...new Map(nodes.map((node) => [addressOf(node), node])).values()];
}

function nodeOf(host: unknown, port: unknown): Node | undefined {
  const number = Number(port);
  return typeof host === 'string' && host !== '' && host !== '?' && number > 0 && number < 65_536
    ? { host, port: number }
    : undefined;
}

/** Reads a map, which RESP 2 answers as a flat list. */
export function pairsOf(answer: unknown): Map<string, string> {
  const list: unknown[] = Array.isArray(answer) ? answer : [];
  return new Map(
    Array.from({ length: list.length / 2 }, (_, index) => [
      String(list[2 * index]).toLowerCase(),
      String(list[2 * index + 1]),
    ]),
  );
}

/** The fields of INFO. */
export function infoOf(answer: unknown): Map<string, string> {
  const lines = String(answer).split('\r\n');
  return new Map(lines.filter((line) => line.includes(':')).map((line) => splitAt(line, ':')));
}

function splitAt(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

/** The most logins at the same time. */
const mostAtOnce = 16;

/**
 * Logs in at all servers of a session, and hands the connections to `work`. It first logs in at the named servers to find
 * the others. It closes what it has opened.
 *
 * @param known the servers, if they are known already
 * @throws TargetFailed for a server that refuses what another one accepts; TargetUnreachable for one that can't be
 *   reached
 */
export async function atAllServers<T>(
  { connector, context }: { readonly connector: Connector; readonly context: RotatorContext },
  session: RedisSession,
  work: (connections: readonly Connection[], servers: Servers) => Promise<T>,
  known?: Servers,
): Promise<T> {
  const opened: Connection[] = [];
  const open = async (node: Node): Promise<Connection> => {
    if (addressOf(node) === addressOf(session.connection.node)) return session.connection;
    const known = opened.find((connection) => addressOf(connection.node) === addressOf(node));
    if (known !== undefined) return known;
    const connection = await connector.open(
      node,
      loginBeside(session.connection, session.credential),
      context,
    );
    if (connection === undefined) throw refusedAt(node, session);
    opened.push(connection);
    return connection;
  };
  try {
    const named = await mapInBatches(session.named, open);
    const servers = known ?? (await serversOf(session, named.slice(1)));
    return await work(await mapInBatches(servers.nodes, open), servers);
  } finally {
    await Promise.all(opened.map((connection) => connection.close()));
  }
}

/** Does work for each item, for some at a time. Before it throws it waits for those, so that none opens anything later. */
export async function mapInBatches<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const done: R[] = [];
  for (let at = 0; at < items.length; at += mostAtOnce) {
    const settled = await Promise.allSettled(items.slice(at, at + mostAtOnce).map(work));
    for (const outcome of settled) {
      if (outcome.status === 'rejected') throw outcome.reason;
      done.push(outcome.value);
    }
  }
  return done;
}

function refusedAt(node: Node, { connection, credential }: RedisSession): KeyturnError {
  return new KeyturnError(
    'TargetFailed',
    `The server at ${addressOf(node)} refuses the password of "${credential.username}" that ${addressOf(connection.node)} accepts: users are not replicated.`,
    'Give it the same users (ACL LIST and ACL SETUSER, or its aclfile), and rotate again.',
  );
}
