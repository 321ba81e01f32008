import type { Finding, RotatorContext } from '../../src/rotator/index.ts';
import { tlsOrPlaintext } from '../database/preflight.ts';
import { replicates } from './change.ts';
import type { Connection, Connector } from './connection.ts';
import { addressOf, type RedisCredential } from './credential.ts';
import { ServerError } from './server-error.ts';
import { atAllServers, helloOf, isNoPermission, type RedisSession, type Servers } from './servers.ts';
import { findUser, hashOf, isReplicationUser, survivalOf, type User } from './users.ts';

/** Checks what a rotation needs. @param changer the session of the user or admin that makes the change */
export async function preflight(
  connector: Connector,
  session: RedisSession,
  credential: RedisCredential,
  admin: RedisSession | undefined,
  context: RotatorContext,
): Promise<Finding[]> {
  const changer = admin ?? session;
  const { product = 'Redis', version = '6 or newer', mode } = await helloOf(session.connection);
  const findings: Finding[] = [
    tlsOrPlaintext(session.connection.encrypted),
    { check: 'server', ok: true, detail: `${product} ${version}${mode === undefined ? '' : `, ${mode}`}` },
  ];
  try {
    const looked = await atAllServers({ connector, context }, changer, (connections, servers) =>
      findingsOf(connections, servers, credential, changer.credential.username),
    );
    return [...findings, ...looked];
  } catch (error) {
    if (!isNoPermission(error)) throw error;
    return [...findings, mayNotChangeUsers(changer.credential.username, admin !== undefined)];
  }
}

function mayNotChangeUsers(username: string, isAdmin: boolean): Finding {
  const rights = '+acl|getuser +acl|setuser +acl|save';
  const detail = isAdmin
    ? `the admin "${username}" may not change users: grant ${rights}`
    : `"${username}" may not change its own password: name an admin secret, since a user with ${rights} may change every user`;
  return { check: 'rights', ok: false, detail };
}

async function findingsOf(
  connections: readonly Connection[],
  { incomplete }: Servers,
  { username, password }: RedisCredential,
  changer: string,
): Promise<Finding[]> {
  const places = connections.map(({ node }) => addressOf(node)).join(', ');
  const more = incomplete === undefined ? '' : `; there may be more: ${incomplete}`;
  const findings: Finding[] = [{ check: 'servers', ok: true, detail: `${places}${more}` }];
  for (const connection of connections) {
    findings.push(userFinding(connection, username, await findUser(connection, username), hashOf(password)));
  }
  for (const connection of connections) {
    if (!(await mayChangeUsers(connection, changer))) {
      findings.push({
        check: 'rights',
        ok: false,
        detail: `"${changer}" may not run ACL SETUSER and ACL SAVE at ${addressOf(connection.node)}`,
      });
    }
  }
  if (!findings.some(({ check }) => check === 'rights'))
    findings.push({ check: 'rights', ok: true, detail: `"${changer}" may change users` });
  if (connections.length > 1) {
    for (const connection of connections) {
      if (!(await isReplicationUser(connection, username, [password]))) continue;
      findings.push({ check: 'replication', ok: false, detail: replicates(username).message });
      break;
    }
  }
  return [...findings, await survival(connections, username)];
}

function userFinding({ node }: Connection, username: string, user: User | undefined, hash: string): Finding {
  const place = addressOf(node);
  const finding = (ok: boolean, detail: string): Finding => ({
    check: 'user',
    ok,
    detail: `at ${place} "${username}" ${detail}`,
  });
  if (user === undefined) return finding(false, 'does not exist');
  if (user.flags.includes('nopass')) return finding(false, 'needs no password, so that none can be proven');
  if (!user.flags.includes('on')) return finding(false, 'is off');
  if (!user.passwords.includes(hash)) return finding(false, 'has another password: users are not replicated');
  const others = user.passwords.length - 1;
  if (others === 0) return finding(true, 'has the one password');
  return finding(
    true,
    `has ${others} other ${others === 1 ? 'password' : 'passwords'}, which the next rotation ends`,
  );
}

/** Since Redis 7 a server can tell what a user may run: https://redis.io/docs/latest/commands/acl-dryrun/ */
async function mayChangeUsers(connection: Connection, changer: string): Promise<boolean> {
  for (const command of ['SETUSER', 'SAVE']) {
    const words = command === 'SETUSER' ? [command, changer] : [command];
    try {
      if ((await connection.ask('ACL', 'DRYRUN', changer, 'ACL', ...words)) !== 'OK') return false;
    } catch (error) {
      // The session's user may not run DRYRUN, or the server does not have it. Then only the change itself can tell.
      if (!(error instanceof ServerError)) throw error;
    }
  }
  return true;
}

async function survival(connections: readonly Connection[], username: string): Promise<Finding> {
  const check = 'restart';
  const found = await Promise.all(
    connections.map(
      async (connection) => [addressOf(connection.node), await survivalOf(connection, username)] as const,
    ),
  );
  const places = (wanted: string | undefined): string =>
    found
      .filter(([, survives]) => survives === wanted)
      .map(([place]) => place)
      .join(', ');
  const said = [
    [places('acl-file'), 'is written to the ACL file'],
    [places('configuration'), 'is written to the configuration file (CONFIG REWRITE)'],
    [
      places('unwritable'),
      'is lost with a restart, since CONFIG REWRITE does not quote the quotation mark of a user: set "aclfile"',
    ],
    [places('nothing'), 'is lost with a restart, since there is no file: set "aclfile"'],
    [places(undefined), 'may be lost with a restart: the user may not ask (+config|get)'],
  ].filter(([where]) => where !== '');
  return { check, ok: true, detail: said.map(([where, what]) => `at ${where} a change ${what}`).join('; ') };
}
