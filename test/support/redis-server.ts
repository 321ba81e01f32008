import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { pairsOf } from '../../rotators/redis/servers.ts';
import { findProgram } from '../client/support/servers.ts';
import { startInAttempts } from './attempts.ts';
import { type Certificate, makeCertificate } from './certificate.ts';
import { closedPort } from './closed-port.ts';

/** The program of a Redis or Valkey server on this machine. */
export interface RedisProgram {
  readonly name: string;
  readonly path: string;
}

/** Why tests at a real server are skipped. */
export const noRedis =
  'there is neither redis-server nor valkey-server, and KEYTURN_TEST_VALKEY_SERVER names none';

/** The programs of this machine: the one that KEYTURN_TEST_VALKEY_SERVER names, and those that are installed. */
export async function findRedisPrograms(): Promise<RedisProgram[]> {
  const named = process.env.KEYTURN_TEST_VALKEY_SERVER || undefined;
  const found = [named ?? (await findProgram('valkey-server')), await findProgram('redis-server')];
  return found.flatMap((path) => (path === undefined ? [] : [{ name: basename(path), path }]));
}

/** The first of {@link findRedisPrograms}: Valkey if there is one. Undefined if there is none. */
export async function findRedisProgram(): Promise<RedisProgram | undefined> {
  return (await findRedisPrograms())[0];
}

/** A real server that a test starts for itself. Its user `admin` may do everything; its default user is off. */
export interface RedisServer {
  readonly port: number;
  readonly admin: { readonly username: string; readonly password: string };
  /** The PEM of its self-signed certificate; undefined without TLS. */
  readonly ca: string | undefined;
  readonly folder: string;
  /** Sends a command as the admin. */
  ask(...words: string[]): Promise<unknown>;
  /** Ends the process and starts it again. It keeps only what is in its files. */
  restart(): Promise<void>;
  /** Ends the process. `restart` starts it again. */
  end(): Promise<void>;
  /** Ends the process and removes its files. */
  stop(): Promise<void>;
}

export interface RedisServerOptions {
  /** True: with a certificate of its own. Servers of one cluster share a certificate. */
  readonly tls?: boolean | Certificate;
  /** Where its users are kept. Default: in its configuration file. */
  readonly users?: 'acl-file' | 'configuration' | 'nowhere';
  /** More settings, such as `cluster-enabled yes`. */
  readonly settings?: readonly string[];
  /** A password of the default user, which is then on. */
  readonly requirepass?: string;
  readonly port?: number;
}

/** Starts a server. */
export function startRedisServer(
  program: RedisProgram,
  options: RedisServerOptions = {},
): Promise<RedisServer> {
  return options.port === undefined
    ? startInAttempts(() => startOnce(program, options))
    : startOnce(program, options);
}

async function startOnce(
  { path }: RedisProgram,
  { tls = false, users = 'configuration', settings = [], requirepass, port: given }: RedisServerOptions,
): Promise<RedisServer> {
  const folder = await mkdtemp(join(tmpdir(), 'keyturn-redis-'));
  const port = given ?? (await closedPort());
  const admin = { username: 'admin', password: randomBytes(12).toString('hex') };
  const known = [
    `user admin on >${admin.password} ~* &* +@all`,
    ...(requirepass === undefined ? ['user default off'] : []),
  ];
  const certificate = tls === true ? await makeCertificate() : tls || undefined;
  if (certificate !== undefined) {
    await writeFile(join(folder, 'cert.pem'), certificate.cert);
    await writeFile(join(folder, 'key.pem'), certificate.key);
  }
  const transport = tls
    ? ['port 0', `tls-port ${port}`, 'tls-auth-clients no', 'tls-cert-file cert.pem', 'tls-key-file key.pem']
    : [`port ${port}`];
  const inMemory = users === 'nowhere';
  if (users === 'acl-file') await writeFile(join(folder, 'users.acl'), `${known.join('\n')}\n`);
  const lines = [
    ...transport,
    'bind 127.0.0.1',
    `dir ${folder}`,
    'save ""',
    'appendonly no',
    ...(requirepass === undefined ? [] : [`requirepass "${requirepass}"`]),
    ...(users === 'acl-file' ? [`aclfile ${join(folder, 'users.acl')}`] : known),
    ...settings,
  ];
  const file = join(folder, 'redis.conf');
  await writeFile(file, `${lines.join('\n')}\n`);
  const connect = (): Redis => {
    const client = new Redis({
      host: '127.0.0.1',
      port,
      ...admin,
      ...(certificate && { tls: { ca: certificate.cert, servername: 'localhost' } }),
      lazyConnect: true,
      retryStrategy: () => null,
      protocol: 2,
    });
    return client.on('error', () => undefined);
  };
  let child: ChildProcess;
  let client = connect();
  const begin = async (): Promise<void> => {
    // Without a file, it reads its configuration from standard input. Then it has no file to write users to.
    child = spawn(path, inMemory ? ['-'] : [file], { cwd: folder, stdio: ['pipe', 'ignore', 'ignore'] });
    child.stdin?.end(inMemory ? lines.join('\n') : '');
    const giveUpAt = performance.now() + 20_000;
    for (;;) {
      client = connect();
      const isUp = await client.connect().then(
        () => true,
        () => false,
      );
      if (isUp) return;
      client.disconnect();
      if (child.exitCode !== null || performance.now() > giveUpAt) throw new Error('Redis did not start.');
      await sleep(20);
    }
  };
  const end = async (): Promise<void> => {
    client.disconnect();
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  };
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true, maxRetries: 5 });
  try {
    await begin();
  } catch (error) {
    await remove();
    throw error;
  }
  return {
    port,
    admin,
    ca: certificate?.cert,
    folder,
    ask: (command, ...words) => client.call(command ?? 'PING', ...words),
    end,
    restart: async () => {
      await end();
      await begin();
    },
    stop: async () => {
      await end();
      await remove();
    },
  };
}

/** Servers that belong together. */
export interface RedisGroup<Servers extends readonly RedisServer[] = readonly [RedisServer, RedisServer]> {
  readonly servers: Servers;
  /** Sends a command to each of them. */
  askAll(...words: string[]): Promise<unknown[]>;
  stop(): Promise<void>;
}

function groupOf<Servers extends readonly RedisServer[]>(servers: Servers): RedisGroup<Servers> {
  return {
    servers,
    askAll: (...words) => Promise.all(servers.map((server) => server.ask(...words))),
    stop: async () => void (await Promise.all(servers.map((server) => server.stop()))),
  };
}

/** Three masters that together serve all slots. */
export type RedisCluster = RedisGroup<readonly [RedisServer, RedisServer, RedisServer]>;

/** Starts a cluster. */
export async function startRedisCluster(
  program: RedisProgram,
  { tls = false }: { readonly tls?: boolean } = {},
): Promise<RedisCluster> {
  const certificate = tls && (await makeCertificate());
  const start = (): Promise<RedisServer> =>
    startInAttempts(async () =>
      startRedisServer(program, {
        tls: certificate,
        port: await closedPort(),
        settings: [
          'cluster-enabled yes',
          'cluster-node-timeout 5000',
          ...(tls ? ['tls-cluster yes', 'tls-ca-cert-file cert.pem'] : []),
        ],
      }),
    );
  const first = await start();
  const group = groupOf([first, await start(), await start()] as const);
  const slots = 16_384;
  await Promise.all(
    group.servers.map((server, index) =>
      server.ask(
        'CLUSTER',
        'ADDSLOTSRANGE',
        String(Math.floor((index * slots) / 3)),
        String(Math.floor(((index + 1) * slots) / 3) - 1),
      ),
    ),
  );
  for (const { port } of group.servers.slice(1))
    await first.ask('CLUSTER', 'MEET', '127.0.0.1', String(port));
  const isWhole = async (server: RedisServer): Promise<boolean> => {
    const info = String(await server.ask('CLUSTER', 'INFO'));
    return info.includes('cluster_state:ok') && info.includes('cluster_known_nodes:3');
  };
  for (const server of group.servers) while (!(await isWhole(server))) await sleep(50);
  return group;
}

/** Starts a master and its replica. */
export async function startReplication(
  program: RedisProgram,
  options: RedisServerOptions = {},
): Promise<RedisGroup> {
  const master = await startRedisServer(program, options);
  const replica = await startRedisServer(program, options);
  await replica.ask('CONFIG', 'SET', 'masteruser', 'admin');
  await replica.ask('CONFIG', 'SET', 'masterauth', master.admin.password);
  await replica.ask('REPLICAOF', '127.0.0.1', String(master.port));
  while (!String(await master.ask('INFO', 'replication')).includes('state=online')) await sleep(50);
  return groupOf([master, replica] as const);
}

/** A Sentinel that watches a master by the name `shop`. */
export interface Sentinel {
  readonly port: number;
  stop(): Promise<void>;
}

/** Starts a Sentinel of the same program. */
export async function startSentinel(
  { path }: RedisProgram,
  { port: masterPort, admin }: RedisServer,
  requirepass?: string,
): Promise<Sentinel> {
  const folder = await mkdtemp(join(tmpdir(), 'keyturn-sentinel-'));
  await mkdir(folder, { recursive: true });
  const port = await closedPort();
  const lines = [
    `port ${port}`,
    'bind 127.0.0.1',
    `dir ${folder}`,
    `sentinel monitor shop 127.0.0.1 ${masterPort} 1`,
    `sentinel auth-user shop ${admin.username}`,
    `sentinel auth-pass shop ${admin.password}`,
    ...(requirepass === undefined ? [] : [`requirepass ${requirepass}`]),
  ];
  const file = join(folder, 'sentinel.conf');
  await writeFile(file, `${lines.join('\n')}\n`);
  const child = spawn(path, [file, '--sentinel'], { cwd: folder, stdio: 'ignore' });
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) {
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    }
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  const giveUpAt = performance.now() + 30_000;
  for (;;) {
    const client = new Redis({
      host: '127.0.0.1',
      port,
      ...(requirepass !== undefined && { password: requirepass }),
      lazyConnect: true,
      enableReadyCheck: false,
      retryStrategy: () => null,
      protocol: 2,
    }).on('error', () => undefined);
    const replicas: unknown = await client
      .connect()
      .then(() => client.call('SENTINEL', 'SLAVES', 'shop'))
      .catch(() => undefined);
    client.disconnect();
    // It learns of replicas from the master, some seconds after its start.
    if (Array.isArray(replicas) && replicas.length > 0) return { port, stop };
    if (child.exitCode !== null || performance.now() > giveUpAt) {
      await stop();
      throw new Error('The Sentinel knows of no replica.');
    }
    await sleep(100);
  }
}

/** A user and the user's password. */
export interface RedisLogin {
  readonly username: string;
  readonly password: string;
}

/** Whether a server accepts a login. @throws any error other than a refused login */
export async function opens({ port, ca }: RedisServer, login: RedisLogin): Promise<boolean> {
  const client = new Redis({
    ...login,
    host: ca === undefined ? '127.0.0.1' : 'localhost',
    port,
    ...(ca !== undefined && { tls: { ca } }),
    lazyConnect: true,
    enableReadyCheck: false,
    retryStrategy: () => null,
    protocol: 2,
  });
  let refusal: unknown;
  client.on('error', (error) => {
    refusal = error;
  });
  try {
    await client.connect();
    await client.ping();
    return true;
  } catch (error) {
    if (/WRONGPASS|NOAUTH/.test(`${String(refusal)} ${String(error)}`)) return false;
    throw error;
  } finally {
    client.disconnect();
  }
}

/** An application that reads the login and logs in, again and again, each time with a new connection. */
export function startLogins(
  server: RedisServer,
  current: () => Promise<RedisLogin>,
): { stop(): Promise<number> } {
  let [logins, isOver] = [0, false];
  const work = async (): Promise<void> => {
    while (!isOver) {
      if (await opens(server, await current())) logins += 1;
    }
  };
  const running = work();
  return {
    stop: async () => {
      isOver = true;
      await running;
      return logins;
    },
  };
}

/** How many logins the server has refused, counted by its own ACL LOG. */
export async function refusedLogins({ ask }: RedisServer): Promise<number> {
  const entries: unknown = await ask('ACL', 'LOG', '1000');
  const counts = (Array.isArray(entries) ? entries : []).map(pairsOf);
  return counts
    .filter((entry) => entry.get('reason') === 'auth')
    .reduce((sum, entry) => sum + Number(entry.get('count')), 0);
}
