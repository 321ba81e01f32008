import { type ChangeContext, KeyturnError, type RotatorContext } from '../../src/rotator/index.ts';
import type { Connection, Connector } from './connection.ts';
import { addressOf, type RedisCredential } from './credential.ts';
import { atAllServers, loginBeside, oneAfterAnother, type RedisSession, type Servers } from './servers.ts';
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
 * Adds a new password at every server, keeps the one that works, and ends all others. The server gets a hash, so
 * neither MONITOR nor the slow log shows the password. It asks all servers before it changes anything, and proves the
 * new password at all of them afterwards.
 *
 * @returns the servers
 */
export async function addPassword(
  { connector, context }: Changing,
  session: RedisSession,
  pending: RedisCredential,
): Promise<Servers> {
  const { username, password } = pending;
  const { using, proven = [using], current } = context;
  // The admin's password is not a password of the user.
  const older = [current, ...proven].filter((credential) => credential.username === username);
  const hashes = new Set(older.map((credential) => hashOf(credential.password)));
  return atAllServers({ connector, context }, session, async (connections, servers) => {
    const { incomplete } = servers;
    const users = await oneAfterAnother(connections, (connection) => requireUser(connection, username));
    // Keep the passwords that some server accepts; then all servers accept them. If no server has one, somebody has
    // ended it, and it is not restored.
    const kept = [...hashes].filter((hash) => users.some(({ passwords }) => passwords.includes(hash)));
    await requireNoReplication(connections, username, older);
    if (incomplete !== undefined) {
      const places = connections.map(({ node }) => addressOf(node)).join(', ');
      context.note(`Changed at ${places}. There may be more servers: ${incomplete}.`);
    }
    await setEverywhere(connections, { username, hashes: new Set([...kept, hashOf(password)]) }, context);
    await oneAfterAnother(connections, (connection) =>
      requireAccepted(connector, connection, pending, context),
    );
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
  await oneAfterAnother(connections, (connection) => setPasswords(connection, wanted));
  const survivals = await oneAfterAnother(
    connections,
    async (connection) => [connection, await persist(connection, wanted.username)] as const,
  );
  noteSurvival(survivals, context);
}

/** @throws TargetFailed for a user with which the servers replicate: after the next rotation they could not */
async function requireNoReplication(
  connections: readonly Connection[],
  username: string,
  credentials: readonly RedisCredential[],
): Promise<void> {
  if (connections.length === 1) return;
  const passwords = credentials.map(({ password }) => password);
  const asked = await oneAfterAnother(connections, (connection) =>
    isReplicationUser(connection, username, passwords),
  );
  if (!asked.includes(true)) return;
  throw replicates(username);
}

export function replicates(username: string): KeyturnError {
  return new KeyturnError(
    'TargetFailed',
    `The servers replicate as "${username}" with the password of the secret (masterauth), which they would be refused after the next rotation.`,
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
    `The server at ${addressOf(node)} refuses the password that it was just given.`,
    'AWSCURRENT works. Look whether something else changes its users, and rotate again.',
  );
}
