import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { SecretsManager } from '@aws-sdk/client-secrets-manager';
import { onTestFinished } from 'vitest';
import { clientOf, temporaryFolder } from '../local/harness.ts';
import { compileCache } from '../support/compile-cache.ts';

const programPath = fileURLToPath(new URL('../../bin/keyturn.js', import.meta.url));

/** An ended process: its exit code and its output. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A server that runs in a process of its own. */
export interface ServerProcess {
  readonly firstLine: string;
  readonly url: string;
  kill(signal: NodeJS.Signals): Promise<Ended>;
}

/** Runs `keyturn ARGS` to its end. */
export async function runKeyturn(...args: string[]): Promise<Ended> {
  return ending(spawnKeyturn(args));
}

/** Runs `keyturn ARGS` with no configuration of AWS except for `variables`. */
export async function runKeyturnAlone(
  variables: Readonly<Record<string, string>>,
  ...args: string[]
): Promise<Ended> {
  return ending(spawnKeyturn(args, { ...(await bareEnvironment()), ...variables }));
}

/** The environment of a process for which nothing of AWS is configured. */
export async function bareEnvironment(): Promise<Readonly<Record<string, string>>> {
  const { PATH = '' } = process.env;
  return { PATH, HOME: await temporaryFolder(), AWS_EC2_METADATA_DISABLED: 'true', ...compileCache };
}

/** How a process is run. */
export interface RunSettings {
  readonly variables?: Readonly<Record<string, string>>;
  /** What it reads on standard input; by default there is none. */
  readonly input?: string;
  readonly cwd?: string;
}

/** Runs `keyturn ARGS` where nothing of AWS is configured, with an input and in a folder. */
export async function runKeyturnWith(settings: RunSettings, ...args: string[]): Promise<Ended> {
  return ending(await startKeyturn(settings, ...args));
}

/** Starts `keyturn ARGS` where nothing of AWS is configured. */
export async function startKeyturn(
  { variables = {}, input, cwd }: RunSettings,
  ...args: string[]
): Promise<ChildProcessByStdio<Writable, Readable, Readable>> {
  const env = { ...(await bareEnvironment()), ...variables };
  const child = spawn(process.execPath, [programPath, ...args], {
    env,
    cwd,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  child.stdin.on('error', () => undefined);
  child.stdin.end(input ?? '');
  return child;
}

/** Runs a line of a POSIX shell, in which `keyturn` is the program. */
export async function runInShell(line: string, { variables = {}, cwd }: RunSettings = {}): Promise<Ended> {
  const script = `keyturn() { "$KEYTURN_NODE" "$KEYTURN_PROGRAM" "$@"; }\n${line}`;
  const program = { KEYTURN_NODE: process.execPath, KEYTURN_PROGRAM: programPath };
  const env = { ...(await bareEnvironment()), ...program, ...variables };
  const child = spawn('sh', ['-c', script], { env, cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  return ending(child);
}

/** Starts `keyturn local ARGS`, and waits for its first line. */
export async function startKeyturnLocal(...args: string[]): Promise<ServerProcess> {
  const child = spawnKeyturn(['local', ...args]);
  const ended = ending(child);
  const [firstLine] = await Promise.race([
    once(createInterface(child.stdout), 'line'),
    ended.then(failedToStart),
  ]);
  const url = /http:[^\s"]+/.exec(String(firstLine))?.[0] ?? '';
  return {
    firstLine: String(firstLine),
    url,
    kill(signal) {
      child.kill(signal);
      return ended;
    },
  };
}

function spawnKeyturn(
  args: string[],
  env: NodeJS.ProcessEnv = process.env,
): ChildProcessByStdio<null, Readable, Readable> {
  const child = spawn(process.execPath, [programPath, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

/** Waits for a process to end, with all that it has printed. */
export async function ending(
  child: ChildProcessByStdio<Writable | null, Readable, Readable>,
): Promise<Ended> {
  const [stdout, stderr, [code, signal]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit'),
  ]);
  return { code, signal, stdout, stderr };
}

function failedToStart({ code, stderr }: Ended): never {
  throw new Error(`keyturn local ended with ${code}: ${stderr}`);
}

/** AWS's client for a server in another process. */
export function clientAt(endpoint: string, region = 'us-east-1'): SecretsManager {
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  return clientOf({ clientConfig: { endpoint, region, credentials } });
}
