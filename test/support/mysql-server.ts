import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { appendFile, chmod, cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import mysql from 'mysql2/promise';
import { findProgram } from '../client/support/servers.ts';
import { makeCertificate } from './certificate.ts';
import { closedPort } from './closed-port.ts';

/** Which of the two is started. */
export type Flavour = 'mysql' | 'mariadb';

/** A real MySQL or MariaDB of its own, on a free port of this machine. */
export interface MysqlServer {
  readonly flavour: Flavour;
  readonly host: string;
  readonly port: number;
  readonly admin: { readonly username: string; readonly password: string };
  /** The server's self-signed certificate. */
  readonly ca: string;
  /** The file of the error log, with refused logins. */
  readonly logFile: string;
  /** The file of the general log, with each statement, if `settings` turn it on. */
  readonly generalLog: string;
  readonly data: string;
  /** The admin's connections. */
  readonly pool: mysql.Pool;
  /** Runs a statement as the admin, and gives its rows. */
  run(statement: string, values?: readonly unknown[]): Promise<Record<string, unknown>[]>;
  stop(): Promise<void>;
}

const programs: Readonly<Record<Flavour, string | undefined>> = {
  mysql: process.env.KEYTURN_TEST_MYSQLD,
  mariadb: await findProgram('mariadbd'),
};

/** Why tests at a kind of server are skipped; undefined if it can be started. */
export function missingServer(flavour: Flavour): string | undefined {
  if (programs[flavour] !== undefined && programs[flavour] !== '') return undefined;
  return flavour === 'mysql'
    ? 'no MySQL: let .ci/mysql unpack one in a folder, and name the script that it prints in KEYTURN_TEST_MYSQLD'
    : 'no MariaDB: .ci/mariadb-redis installs it';
}

const longestStartMs = 60_000;
/** Data folders of new servers, by flavour. They are copied, because making one takes longer than everything else. */
const fresh = new Map<string, Promise<string>>();

/** The system allows only a few asynchronous requests (fs.aio-max-nr), and several servers at once would use them up. */
const ownIo = '--innodb-use-native-aio=0';

/** Makes an empty folder of data. */
async function initialize(flavour: Flavour, program: string, own: readonly string[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), `keyturn-${flavour}-data-`));
  const data = join(folder, 'data');
  if (flavour === 'mysql') {
    await promisify(execFile)(program, [...own, `--datadir=${data}`, ownIo, '--initialize-insecure']);
  } else {
    const install = (await findProgram('mariadb-install-db')) ?? 'mariadb-install-db';
    const settings = ['--auth-root-authentication-method=normal', '--skip-test-db', ownIo];
    await promisify(execFile)(install, ['--no-defaults', ...own, `--datadir=${data}`, ...settings]);
  }
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Starts a server with TLS. @param settings more options of the server; GENERAL_LOG in them is the path of the general log */
export async function startMysql(flavour: Flavour, settings: readonly string[] = []): Promise<MysqlServer> {
  const program = programs[flavour];
  if (program === undefined) throw new Error(missingServer(flavour));
  const own = process.getuid?.() === 0 ? ['--user=root'] : [];
  const defaults = flavour === 'mysql' ? [] : ['--no-defaults'];
  const made = fresh.get(flavour) ?? initialize(flavour, program, own);
  fresh.set(flavour, made);
  const folder = await mkdtemp(join(tmpdir(), `keyturn-${flavour}-`));
  await chmod(folder, 0o755);
  const data = join(folder, 'data');
  await cp(join(await made, 'data'), data, { recursive: true });
  // It holds the server's UUID. Two servers must not have the same.
  await rm(join(data, 'auto.cnf'), { force: true });
  const { cert, key } = await makeCertificate('rsa');
  const [certFile, keyFile] = [join(folder, 'server.crt'), join(folder, 'server.key')];
  await writeFile(certFile, cert);
  await writeFile(keyFile, key, { mode: 0o600 });
  const [port, logFile, generalLog] = [
    await closedPort(),
    join(folder, 'error.log'),
    join(folder, 'general.log'),
  ];
  await appendFile(logFile, '');
  const child = spawn(
    program,
    [
      ...defaults,
      ...own,
      `--datadir=${data}`,
      `--port=${port}`,
      '--bind-address=127.0.0.1',
      `--socket=${join(folder, 'socket')}`,
      `--pid-file=${join(folder, 'pid')}`,
      `--log-error=${logFile}`,
      `--ssl-cert=${certFile}`,
      `--ssl-key=${keyFile}`,
      `--ssl-ca=${certFile}`,
      '--innodb-buffer-pool-size=16M',
      ownIo,
      '--max-connections=400',
      // Refused logins are in the log.
      ...(flavour === 'mysql'
        ? ['--mysqlx=OFF', '--secure-file-priv=', '--log-error-verbosity=3']
        : ['--log-warnings=2']),
      ...settings.map((setting) => setting.replace('GENERAL_LOG', generalLog)),
    ],
    { stdio: 'ignore', cwd: folder },
  );
  const ended = once(child, 'exit');
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await ended;
    await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  };
  const admin = { username: `admin's "own"`, password: randomBytes(18).toString('base64') };
  try {
    const root = await connected(port, child);
    await root.query("CREATE USER ?@'%' IDENTIFIED BY ?", [admin.username, admin.password]);
    await root.query("GRANT ALL PRIVILEGES ON *.* TO ?@'%' WITH GRANT OPTION", [admin.username]);
    await root.end();
  } catch (error) {
    await stop();
    throw error;
  }
  const pool = mysql.createPool({
    host: 'localhost',
    port,
    user: admin.username,
    password: admin.password,
    ssl: { ca: cert },
    connectionLimit: 4,
    multipleStatements: false,
  });
  return {
    flavour,
    host: 'localhost',
    port,
    admin,
    ca: cert,
    logFile,
    generalLog,
    data,
    pool,
    run: async (statement, values = []) => {
      // Statements about accounts are not prepared; the driver quotes the values.
      const [rows] = await pool.query<mysql.RowDataPacket[]>(statement, [...values]);
      return Array.isArray(rows) ? rows : [];
    },
    stop: async () => {
      await pool.end().catch(() => undefined);
      await stop();
    },
  };
}

async function connected(
  port: number,
  child: { readonly exitCode: number | null },
): Promise<mysql.Connection> {
  const giveUpAt = performance.now() + longestStartMs;
  for (;;) {
    const ssl = { rejectUnauthorized: false };
    try {
      return await mysql.createConnection({ host: '127.0.0.1', port, user: 'root', ssl });
    } catch (error) {
      if (child.exitCode !== null || performance.now() > giveUpAt) throw error;
      await sleep(100);
    }
  }
}
