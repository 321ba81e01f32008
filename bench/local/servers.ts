import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { closedPort } from '../../test/support/closed-port.ts';

const pollMs = 5;

/** A server in its own process. */
export interface ServerProcess {
  readonly port: number;
  /** From the process's start until it accepted a connection, in ms. */
  readonly startMs: number;
  /** Its resident memory in bytes. */
  memory(): Promise<number>;
  stop(): Promise<void>;
}

const programOf = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** Starts `keyturn local`, with its log of calls. With a folder, it keeps the secrets there. */
export function startKeyturn(scratch: string, dataDirectory?: string): Promise<ServerProcess> {
  const data = dataDirectory === undefined ? [] : ['--data', dataDirectory];
  return start(scratch, (port) => [
    process.execPath,
    programOf('../../bin/keyturn.js'),
    'local',
    '--port',
    String(port),
    ...data,
  ]);
}

/** Starts moto's server, by a Python with `moto[server,secretsmanager]`. */
export function startMoto(scratch: string, python: string): Promise<ServerProcess> {
  return start(scratch, (port) => [python, '-m', 'moto.server', '-p', String(port)]);
}

/** Starts a server that answers everything with the same bytes. Its figures are the generator's limit. */
export function startFixedAnswer(scratch: string): Promise<ServerProcess> {
  return start(scratch, (port) => [process.execPath, programOf('./fixed-answer.ts'), String(port)]);
}

type CommandLine = (port: number) => readonly [program: string, ...args: string[]];

/** Starts a server. Its log goes to a file, so that this process needn't read it. */
async function start(scratch: string, commandLine: CommandLine): Promise<ServerProcess> {
  const port = await closedPort();
  const log = await open(join(scratch, `server-${port}.log`), 'w');
  const [program, ...args] = commandLine(port);
  const startedAt = performance.now();
  const child = spawn(program, args, { stdio: ['ignore', log.fd, log.fd] });
  await log.close();
  await accepting(port, child);
  return {
    port,
    startMs: performance.now() - startedAt,
    memory: () => residentBytes(child),
    async stop() {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
    },
  };
}

async function accepting(port: number, child: ChildProcess): Promise<void> {
  while (child.exitCode === null) {
    const socket = connect(port, '127.0.0.1');
    const connected = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (connected) return;
    await sleep(pollMs);
  }
  throw new Error(`${child.spawnfile} ended with ${child.exitCode} before it took a connection.`);
}

async function residentBytes({ pid }: ChildProcess): Promise<number> {
  const { stdout } = await promisify(execFile)('ps', ['-o', 'rss=', '-p', String(pid)]);
  return Number(stdout) * 1024;
}
