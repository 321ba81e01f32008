import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, chmod, mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { closedPort } from '../../support/closed-port.ts';

/** A server of a test's own. */
export interface OwnServer {
  readonly port: number;
  stop(): Promise<void>;
}

/** The first of these programs that is installed on this machine. */
export async function findProgram(...names: string[]): Promise<string | undefined> {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  for (const file of names.flatMap((name) => folders.map((folder) => join(folder, name)))) {
    if (
      await access(file).then(
        () => true,
        () => false,
      )
    )
      return file;
  }
  return undefined;
}

async function run(
  program: string,
  args: readonly string[],
  port: number,
  folder: string,
): Promise<OwnServer> {
  const child = spawn(program, [...args], { stdio: 'ignore', cwd: folder });
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) {
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      await exited;
    }
    await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 });
  };
  try {
    await listening(child, port);
  } catch (error) {
    await stop();
    throw error;
  }
  return { port, stop };
}

async function listening(child: ChildProcess, port: number): Promise<void> {
  for (;;) {
    if (child.exitCode !== null) throw new Error('The server has ended instead of listening.');
    const socket = connect(port, '127.0.0.1');
    const isOpen = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (isOpen) return;
    await sleep(20);
  }
}

/** A real Redis or Valkey, whose default user has this password. */
export async function startRedis(program: string, password: string): Promise<OwnServer> {
  const [folder, port] = [await mkdtemp(join(tmpdir(), 'keyturn-redis-')), await closedPort()];
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--requirepass', password];
  return run(program, args, port, folder);
}

/** The system allows only a few asynchronous requests (fs.aio-max-nr), and several servers at once would use them up. */
const ownIo = '--innodb-use-native-aio=0';

/** A real MariaDB, with an admin `root` that needs no password. */
export async function startMariaDb(program: string, install: string): Promise<OwnServer> {
  const [folder, port] = [await mkdtemp(join(tmpdir(), 'keyturn-mariadb-')), await closedPort()];
  await chmod(folder, 0o755);
  const own = process.getuid?.() === 0 ? ['--user=root'] : [];
  const data = `--datadir=${join(folder, 'data')}`;
  await promisify(execFile)(install, [
    '--no-defaults',
    ...own,
    data,
    '--auth-root-authentication-method=normal',
    '--skip-test-db',
    ownIo,
  ]);
  const socket = `--socket=${join(folder, 'socket')}`;
  const where = [`--port=${port}`, '--bind-address=127.0.0.1', socket, `--pid-file=${join(folder, 'pid')}`];
  return run(
    program,
    ['--no-defaults', ...own, data, ...where, '--innodb-buffer-pool-size=16M', ownIo],
    port,
    folder,
  );
}
