import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { closedPort } from './closed-port.ts';
import { type PostgresServer, unprivileged } from './postgres-server.ts';

/** The program; by default where Debian's package installs it. */
const program = process.env.KEYTURN_TEST_PGBOUNCER || '/usr/sbin/pgbouncer';

/** Why a test is skipped; undefined if PgBouncer can be started. */
export const pgbouncerMissing = existsSync(program)
  ? undefined
  : 'no PgBouncer: install the package pgbouncer, or name the program in KEYTURN_TEST_PGBOUNCER';

/** It takes a moment. Only where the processors have other work, it takes longer. */
const longestStartMs = 30_000;

/** A real PgBouncer before a server. */
export interface PgBouncer {
  readonly host: string;
  readonly port: number;
  stop(): Promise<void>;
}

/**
 * Starts a PgBouncer without TLS for its clients.
 *
 * @param settings more lines of its section [pgbouncer]
 * @param users lines of its auth_file. Default: it asks the server for verifiers
 */
export async function startPgBouncer(
  server: PostgresServer,
  settings: readonly string[],
  users?: readonly string[],
): Promise<PgBouncer> {
  const folder = await mkdtemp(join(tmpdir(), 'keyturn-pgbouncer-'));
  const { uid, gid } = await unprivileged();
  const port = await closedPort();
  const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;
  const admin = `${quoted(server.admin.username)} ${quoted(server.admin.password)}`;
  const lines = [
    '[databases]',
    `* = host=${server.host} port=${server.port}`,
    '[pgbouncer]',
    'listen_addr = 127.0.0.1',
    `listen_port = ${port}`,
    'unix_socket_dir =',
    `auth_file = ${join(folder, 'users')}`,
    ...(users === undefined ? [`auth_user = ${server.admin.username}`] : []),
    'server_login_retry = 1',
    ...settings,
  ];
  await writeFile(join(folder, 'ini'), `${lines.join('\n')}\n`);
  await writeFile(join(folder, 'users'), `${(users ?? [admin]).join('\n')}\n`);
  await chmod(folder, 0o755);
  const child = spawn(program, [join(folder, 'ini')], { uid, gid, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL');
    await exited;
    await rm(folder, { recursive: true, force: true });
  };
  const giveUpAt = performance.now() + longestStartMs;
  while (!(await listens(port))) {
    if (child.exitCode !== null || performance.now() > giveUpAt) {
      await stop();
      throw new Error(`PgBouncer did not start: ${said}`);
    }
    await sleep(10);
  }
  return { host: '127.0.0.1', port, stop };
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
