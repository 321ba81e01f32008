import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { build } from 'esbuild';
import { expect, it, onTestFinished } from 'vitest';
import { openConnection } from '../../bench/local/connection.ts';
import { httpRequest } from '../../bench/local/requests.ts';
import { type Call, check, makeWriters, type Progress, writeOn } from './crash-writers.ts';
import { temporaryFolder, token } from './harness.ts';

/** `npm run matrix:nightly` kills 200 times. */
const killCount = Number(process.env.KEYTURN_TEST_KILLS ?? 24);
const longestLoadMs = 80;
const longestStartMs = 30;
/** One in this many is killed while it starts: then it recovers from the kill before. */
const killedAtStart = 8;
const timeoutMs = 60_000 + killCount * 3_000;

/** A part of 1 for each kill, the same in each run: the golden ratio spreads them evenly, however many there are. */
function momentOf(kills: number): number {
  return (kills * 0.618_034) % 1;
}

/** One file is loaded faster than all modules of the server; the client of Lambda is not needed here. */
async function bundleServer(folder: string): Promise<string> {
  const outfile = join(folder, 'server.mjs');
  const entry = join(import.meta.dirname, 'crash-server.ts');
  await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    external: ['@aws-sdk/*'],
  });
  return outfile;
}

function startProcess(server: string): ChildProcess {
  const child = fork(server, { execArgv: ['--disable-warning=ExperimentalWarning'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

async function portOf(child: ChildProcess): Promise<number> {
  const failed = once(child, 'exit').then(([code]) => {
    throw new Error(`The server ended with ${code} when it opened the folder.`);
  });
  const [port] = await Promise.race([once(child, 'message'), failed]);
  return Number(port);
}

interface Client {
  readonly call: Call;
  close(): void;
}

function connectTo(port: number): Client {
  const connection = openConnection(port);
  return {
    call: async (operation, input) =>
      JSON.parse(String((await connection.send(httpRequest(port, operation, input))).body)),
    close: connection.close,
  };
}

/** Checks what the kill before has left, and kills the server at a moment while all writers write on. */
async function survive(child: ChildProcess, all: readonly Progress[], moment: number): Promise<void> {
  const port = await portOf(child);
  const writers = all.map((progress) => ({ progress, client: connectTo(port) }));
  await Promise.all(writers.map(({ progress, client }) => check(client.call, progress)));
  const stopped = Promise.all(writers.map(({ progress, client }) => writeOn(client.call, progress)));
  await Promise.race([stopped, sleep(moment * longestLoadMs)]);
  await kill(child);
  await stopped;
  for (const { client } of writers) client.close();
}

it(
  `has every answered write after each of ${killCount} kills at moments all over a write, and no half of one`,
  async () => {
    const server = await bundleServer(await temporaryFolder());
    const folder = await temporaryFolder();
    const all = makeWriters().map((writer): Progress => ({ writer, sent: 0, answered: 0 }));
    let next = startProcess(server);
    for (let kills = 0; kills < killCount; kills++) {
      const child = next;
      next = startProcess(server);
      child.send(folder);
      if (kills % killedAtStart === 0) {
        await sleep(momentOf(kills) * longestStartMs);
        await kill(child);
      } else {
        await survive(child, all, momentOf(kills));
      }
    }
    next.send(folder);
    const { call, close } = connectTo(await portOf(next));
    for (const progress of all) await check(call, progress);
    await everyVersionIsReadable(call, 'counting-a', all);
    close();
  },
  timeoutMs,
);

async function everyVersionIsReadable(call: Call, name: string, all: readonly Progress[]): Promise<void> {
  const writes = all.find(({ writer }) => writer.name === name)?.answered ?? 0;
  expect(writes).toBeGreaterThan(1);
  for (let n = 0; n < writes; n++) {
    const { SecretString } = await call('GetSecretValue', { SecretId: name, VersionId: token(String(n)) });
    expect(SecretString).toBe(`${name} ${n}`);
  }
}
