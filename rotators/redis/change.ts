import { type ChangeContext, KeyturnError, type RotatorContext } from '../../src/rotator/index.ts';
import type { Connection, Connector } from './connection.ts';
import { addressOf, type RedisCredential } from './credential.ts';
import { atAllServers, loginBeside, mapInBatches, type RedisSession, type Servers } from './servers.ts';
import {
  hashOf,
  isReplicationUser,
  noteSurvival,
  persist,
  requireUser,
  setPasswords,
  type WantedPasswords,
} from './users.ts';

interface Changing {
  readonly connector: Connector;
  readonly context: ChangeContext<RedisCredential>;
}

/**
 * Adds a new password at every server, keeps the one that works, and ends all others. The servers get a hash, so neither
 * MONITOR nor the slow log shows the password. It asks all servers before it changes anything, and proves the new
 * password at all of them afterwards.
 *
 * @returns the servers
 * @throws AccountMissing, TargetFailed
 */
export async function addPassword(
  { connector, context }: Changing,
  session: RedisSession,
  pending: RedisCredential,
): Promise<Servers> {
  const { username, password } = pending;
  const { using, proven = [using], current } = context;
  // An admin's credential has another user name: its password does not belong to this user.
  const older = [current, ...proven].filter((credential) => credential.username === username);
  const hashes = new Set(older.map((credential) => hashOf(credential.password)));
  return atAllServers({ connector, context }, session, async (connections, servers) => {
    const { incomplete } = servers;
    const users = await mapInBatches(connections, (connection) => requireUser(connection, username));
    // Keep a password that at least one server accepts; then all servers accept it. If no server accepts it, somebody has
    // ended it, and it is not restored.
    const kept = [...hashes].filter((hash) => users.some(({ passwords }) => passwords.includes(hash)));
    await requireNoReplication(connections, username, older);
    if (incomplete !== undefined) {
      const places = connections.map(({ node }) => addressOf(node)).join(', ');
      context.note(`Changed at ${places}. There may be more servers: ${incomplete}.`);
    }
    await setEverywhere(connections, { username, hashes: new Set([...kept, hashOf(password)]) }, context);
    await mapInBatches(connections, (connection) => requireAccepted(connector, connection, pending, context));
    return servers;
  });
}

/** Leaves the user only the password of AWSCURRENT, at every server. */
export async function endOthers(
  { connector, context }: Changing,
  session: RedisSession,
  { username, password }: RedisCredential,
): Promise<void> {
  const hashes = new Set([hashOf(password)]);
  await atAllServers({ connector, context }, session, (connections) =>
    setEverywhere(connections, { username, hashes }, context),
  );
}

async function setEverywhere(
  connections: readonly Connection[],
  wanted: WantedPasswords,
  context: Pick<RotatorContext, 'note'>,
): Promise<void> {
  await mapInBatches(connections, (connection) => setPasswords(connection, wanted));
  const survivals = await mapInBatches(
    connections,
    async (connection) => [connection, await persist(connection, wanted.username)] as const,
  );
  noteSurvival(survivals, context);
}

/** @throws TargetFailed for a user by which the servers replicate: after the next rotation they could not log in */
async function requireNoReplication(
  connections: readonly Connection[],
  username: string,
  credentials: readonly RedisCredential[],
): Promise<void> {
  if (connections.length === 1) return;
  const passwords = credentials.map(({ password }) => password);
  const asked = await mapInBatches(connections, (connection) =>
    isReplicationUser(connection, username, passwords),
  );
  if (!asked.includes(true)) return;
  throw replicates(username);
}

export function replicates(username: string): KeyturnError {
  return new KeyturnError(
    'TargetFailed',
    `The servers replicate as "${username}" with the password of the secret (masterauth). After the next rotation, that password would be refused.`,
    'Nothing was changed. Give replication a user of its own (masteruser, masterauth), and Sentinels too.',
    { field: 'username' },
  );
}

async function requireAccepted(
  connector: Connector,
  { node, encrypted }: Connection,
  pending: RedisCredential,
  context: RotatorContext,
): Promise<void> {
  const connection = await connector.open(node, loginBeside({ encrypted }, pending), context);
  if (connection !== undefined) return connection.close();
  throw new KeyturnError(
    'TargetFailed',
    `The server at ${addressOf(node)} refuses the new password, although it has just taken it.`,
    "AWSCURRENT works. Look whether something else changes the server's users, and rotate again.",
  );
}
