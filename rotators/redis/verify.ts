import type { RotatorContext } from '../../src/rotator/index.ts';
import type { Connection, Connector } from './connection.ts';
import { addressOf } from './credential.ts';
import { atAllServers, type RedisSession, type Servers } from './servers.ts';

/**
 * Logs in with the pending password at all known servers. The change has done so too, but perhaps in another process,
 * and a server may have joined since.
 *
 * @param known the servers at which this process has made the change
 * @throws TargetFailed for a server that refuses it
 */
export async function verifyAtAll(
  { connector, context }: { readonly connector: Connector; readonly context: RotatorContext },
  session: RedisSession,
  known: Servers | undefined,
): Promise<void> {
  const note = async (connections: readonly Connection[], { incomplete }: Servers): Promise<void> => {
    if (incomplete === undefined) return;
    const places = connections.map(({ node }) => addressOf(node)).join(', ');
    context.note(`Proven at ${places}. There may be more servers: ${incomplete}.`);
  };
  await atAllServers({ connector, context }, session, note, known);
}
