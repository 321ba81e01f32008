import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** A server that runs in a folder of its own. */
export interface ServerProcess {
  readonly folder: string;
  stop(): Promise<void>;
}

const longestStartMs = 90_000;

/**
 * Starts a program and waits until it answers.
 *
 * @param name its name in errors
 * @param url answers with a success status once it has started
 */
export async function startServerProcess(
  name: string,
  url: string,
  commandIn: (folder: string) => Promise<{
    readonly program: string;
    readonly args: readonly string[];
    readonly env: Readonly<Record<string, string>>;
  }>,
): Promise<ServerProcess> {
  const folder = await mkdtemp(join(tmpdir(), `keyturn-${name}-`));
  const { program, args, env } = await commandIn(folder);
  const log = await open(join(folder, 'output.log'), 'a');
  // Of this process's environment, only the PATH: vitest sets variables such as BASE_URL.
  const child = spawn(program, args, {
    cwd: folder,
    env: { PATH: process.env.PATH, HOME: folder, ...env },
    stdio: ['ignore', log.fd, log.fd],
  });
  // If another server fails to start, nobody calls `stop`.
  const endWithThis = (): boolean => child.kill('SIGKILL');
  process.once('exit', endWithThis);
  const stop = async (): Promise<void> => {
    process.off('exit', endWithThis);
    const exited = once(child, 'exit');
    if (child.exitCode === null && child.signalCode === null && child.kill('SIGKILL')) await exited;
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    await untilItAnswers(name, url, child);
  } catch (cause) {
    const said = (await readFile(join(folder, 'output.log'), 'utf8')).slice(-2000);
    await stop();
    throw new Error(`${name} did not start: ${said}`, { cause });
  } finally {
    await log.close();
  }
  return { folder, stop };
}

async function untilItAnswers(name: string, url: string, child: ChildProcess): Promise<void> {
  const giveUpAt = performance.now() + longestStartMs;
  while (performance.now() < giveUpAt) {
    if (child.exitCode !== null) throw new Error(`${name} ended with exit code ${child.exitCode}.`);
    const answered = await fetch(url).catch(() => undefined);
    if (answered?.ok === true) return;
    await sleep(100);
  }
  throw new Error(`${name} did not answer in time.`);
}

/** Calls an API as its operator. @throws Error if the answer is not a success */
export async function askAs(
  authorization: string,
  method: string,
  url: string,
  body?: object,
): Promise<unknown> {
  const response = await fetch(url, {
    method,
    headers: { authorization, 'content-type': 'application/json' },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${url} was answered ${response.status}: ${text}`);
  return text === '' ? undefined : JSON.parse(text);
}

/** `Authorization` with a username and a password. */
export function basicOf(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

/** A member of a JSON object as text. @throws Error if it has no such member */
export function textOf(json: unknown, name: string): string {
  const value: unknown = Reflect.get(Object(json), name);
  if (typeof value === 'string' || typeof value === 'number') return String(value);
  throw new Error(`The answer has no ${name}.`);
}

/** The ids of a list's items. @param id the member that holds it */
export function idsOf(json: unknown, id: string): string[] {
  if (!Array.isArray(json)) throw new Error('The answer is no list.');
  return json.map((item) => textOf(item, id));
}
