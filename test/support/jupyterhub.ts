import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { closedPort } from './rotation-fixture.ts';

/** A token in the hub's list. */
export interface HubToken {
  readonly id: string;
  readonly note: string;
}

/** A real JupyterHub on this machine. */
export interface JupyterHub {
  /** Such as `http://127.0.0.1:4000`. */
  readonly url: string;
  /** Makes a user and its token. */
  newUser(username: string): Promise<{ readonly token: string; readonly id: string }>;
  /** What the hub lists for a user. */
  tokens(username: string): Promise<HubToken[]>;
  stop(): Promise<void>;
}

const longestStartMs = 90_000;

/** Starts a hub. @param python a Python that has the package `jupyterhub` */
export async function startJupyterHub(python: string): Promise<JupyterHub> {
  const folder = await mkdtemp(join(tmpdir(), 'keyturn-jupyterhub-'));
  const url = `http://127.0.0.1:${await closedPort()}`;
  const token = randomBytes(24).toString('hex');
  const child = spawn(python, ['-m', 'jupyterhub', '-f', join(import.meta.dirname, 'jupyterhub_config.py')], {
    cwd: folder,
    env: { ...process.env, KEYTURN_HUB_URL: url, KEYTURN_HUB_TOKEN: token },
    stdio: 'ignore',
  });
  const ask = async (method: string, path: string, body?: object): Promise<unknown> => {
    const response = await fetch(`${url}/hub/api${path}`, {
      method,
      headers: { authorization: `token ${token}` },
      ...(body && { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`JupyterHub answered ${response.status} to ${method} ${path}.`);
    return response.json();
  };
  const stop = async (): Promise<void> => {
    const exited = once(child, 'exit');
    if (child.exitCode === null && child.kill('SIGKILL')) await exited;
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await untilItAnswers(url, child);
  } catch (error) {
    await stop();
    throw error;
  }
  const pathOf = (username: string): string => `/users/${encodeURIComponent(username)}`;
  return {
    url,
    stop,
    newUser: async (username) => {
      await ask('POST', pathOf(username));
      const made = await ask('POST', `${pathOf(username)}/tokens`, { note: 'by hand' });
      return { token: textOf(made, 'token'), id: textOf(made, 'id') };
    },
    tokens: async (username) => {
      const answer = await ask('GET', `${pathOf(username)}/tokens`);
      const listed: unknown = Reflect.get(Object(answer), 'api_tokens');
      if (!Array.isArray(listed)) throw new Error('JupyterHub lists no tokens.');
      return listed.map((item) => ({ id: textOf(item, 'id'), note: textOf(item, 'note') }));
    },
  };
}

async function untilItAnswers(url: string, child: ChildProcess): Promise<void> {
  const giveUpAt = performance.now() + longestStartMs;
  while (performance.now() < giveUpAt) {
    if (child.exitCode !== null) throw new Error(`JupyterHub ended with exit code ${child.exitCode}.`);
    const answered = await fetch(`${url}/hub/api/`).catch(() => undefined);
    if (answered?.ok === true) return;
    await sleep(100);
  }
  throw new Error('JupyterHub did not answer in time.');
}

function textOf(json: unknown, name: string): string {
  const value: unknown = Reflect.get(Object(json), name);
  if (typeof value !== 'string') throw new Error(`JupyterHub answered without ${name}.`);
  return value;
}
