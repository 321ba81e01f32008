import { spawn } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startInAttempts } from './attempts.ts';
import { closedPort } from './closed-port.ts';
import { runProgram } from './run-program.ts';

/** A real RabbitMQ on this machine, with its management API. */
export interface RabbitMqServer {
  readonly url: string;
  readonly admin: { readonly username: string; readonly password: string };
  /** Calls the management API as the admin. */
  ask(method: string, path: string, json?: object): Promise<unknown>;
  stop(): Promise<void>;
}

const longestStartMs = 120_000;

/** Starts a broker. @param program the script `rabbitmq-server` of an installation */
export function startRabbitMq(program: string): Promise<RabbitMqServer> {
  return startInAttempts(() => startOnce(program));
}

async function startOnce(program: string): Promise<RabbitMqServer> {
  const folder = await mkdtemp(join(tmpdir(), 'keyturn-rabbitmq-'));
  const [amqp, management] = [await closedPort(), await closedPort()];
  const [distribution, names] = [String(await closedPort()), String(await closedPort())];
  const admin = { username: 'keyturn', password: randomUUID() };
  const config = [
    `default_user = ${admin.username}`,
    `default_pass = ${admin.password}`,
    `listeners.tcp.1 = 127.0.0.1:${amqp}`,
    'management.tcp.ip = 127.0.0.1',
    `management.tcp.port = ${management}`,
    'credential_validator.validation_backend = rabbit_credential_validator_min_password_length',
    'credential_validator.min_length = 5',
  ];
  await writeFile(join(folder, 'rabbitmq.conf'), config.join('\n'));
  await writeFile(join(folder, 'plugins'), '[rabbitmq_management].');
  const child = spawn(program, [], {
    env: {
      PATH: process.env.PATH,
      HOME: folder,
      RABBITMQ_NODENAME: `keyturn-${randomBytes(4).toString('hex')}@localhost`,
      RABBITMQ_BASE: folder,
      RABBITMQ_MNESIA_BASE: join(folder, 'mnesia'),
      RABBITMQ_LOG_BASE: join(folder, 'log'),
      RABBITMQ_CONFIG_FILE: join(folder, 'rabbitmq'),
      RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'plugins'),
      RABBITMQ_DIST_PORT: distribution,
      ERL_EPMD_PORT: names,
      ERL_EPMD_ADDRESS: '127.0.0.1',
    },
    stdio: 'ignore',
    // The broker runs below a shell, so the whole process group must end.
    detached: true,
  });
  const url = `http://127.0.0.1:${management}`;
  const authorization = `Basic ${Buffer.from(`${admin.username}:${admin.password}`).toString('base64')}`;
  const call = (method: string, path: string, json?: object): Promise<Response> =>
    fetch(url + path, {
      method,
      headers: { authorization, 'content-type': 'application/json' },
      ...(json && { body: JSON.stringify(json) }),
    });
  const stop = async (): Promise<void> => {
    const exited = once(child, 'exit');
    if (child.exitCode === null && child.pid !== undefined) {
      process.kill(-child.pid, 'SIGKILL');
      await exited;
      // Erlang's name server is a separate daemon.
      await runProgram('epmd', ['-port', names, '-kill'], { cwd: folder }).catch(() => undefined);
    }
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  const giveUpAt = performance.now() + longestStartMs;
  while ((await call('GET', '/api/whoami').catch(() => undefined))?.ok !== true) {
    if (performance.now() > giveUpAt || child.exitCode !== null) {
      await stop();
      throw new Error('RabbitMQ did not start.');
    }
    await sleep(200);
  }
  return {
    url,
    admin,
    stop,
    ask: async (method, path, json) => {
      const response = await call(method, path, json);
      if (!response.ok) throw new Error(`RabbitMQ answered ${response.status} to ${method} ${path}.`);
      const text = await response.text();
      return text === '' ? undefined : JSON.parse(text);
    },
  };
}
