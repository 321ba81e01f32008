import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { SecretsManager } from '@aws-sdk/client-secrets-manager';
import { onTestFinished } from 'vitest';
import { clientOf, temporaryFolder } from '../local/harness.ts';

const PROGRAM = fileURLToPath(new URL('../../bin/keyturn.js', import.meta.url));

/** What a process left behind. */
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

/** Runs `keyturn ARGS` where nothing of AWS is configured but what `variables` say. */
export async function runKeyturnAlone(
  variables: Readonly<Record<string, string>>,
  ...args: string[]
): Promise<Ended> {
  const { PATH = '' } = process.env;
  const HOME = await temporaryFolder();
  return ending(spawnKeyturn(args, { PATH, HOME, AWS_EC2_METADATA_DISABLED: 'true', ...variables }));
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
  const child = spawn(process.execPath, [PROGRAM, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

async function ending(child: ChildProcessByStdio<null, Readable, Readable>): Promise<Ended> {
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
