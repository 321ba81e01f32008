import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { SFNClient } from '@aws-sdk/client-sfn';
import { closedPort } from '../closed-port.ts';

const programPath = fileURLToPath(new URL('./interpreter.py', import.meta.url));

/** Shorter than the hooks that start it may take, so that what it has said is shown. It takes some ten seconds. */
const longestStartMs = 100_000;

/** Where the calls of the state machines go, and with whose keys. */
export interface Surroundings {
  readonly secretsManager: string;
  readonly s3: string;
  /** The keys of the state machines' roles. Calls of other roles are signed with made-up keys. */
  readonly roleKeys?: RoleKeys;
}

/** The keys that sign the calls of a state machine, by the ARN of its role. */
export type RoleKeys = Readonly<
  Record<
    string,
    {
      readonly accessKeyId: string;
      readonly secretAccessKey: string;
      readonly sessionToken?: string | undefined;
    }
  >
>;

/** An interpreter that is running. */
export interface Interpreter {
  readonly url: string;
  readonly client: SFNClient;
  close(): Promise<void>;
}

/**
 * Starts LocalStack's interpreter of the Amazon States Language, from a Python that has it.
 * @throws Error with its output, if it does not answer in time
 */
export async function startInterpreter(python: string, surroundings: Surroundings): Promise<Interpreter> {
  const folder = await mkdtemp(join(tmpdir(), 'keyturn-states-'));
  const port = await closedPort();
  const url = `http://127.0.0.1:${port}`;
  const { PATH = '' } = process.env;
  const child = spawn(python, [programPath], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH,
      HOME: folder,
      SERVICES: 'stepfunctions',
      STRICT_SERVICE_LOADING: '1',
      GATEWAY_LISTEN: `127.0.0.1:${port}`,
      DISABLE_EVENTS: '1',
      SKIP_SSL_CERT_DOWNLOAD: '1',
      SKIP_INFRA_DOWNLOADS: '1',
      DNS_ADDRESS: '0',
      LOCALSTACK_HOST: `127.0.0.1:${port}`,
      FILESYSTEM_ROOT: folder,
      DATA_DIR: folder,
      SFN_MOCK_CONFIG: '',
      ENDPOINTS: JSON.stringify({
        secretsmanager: surroundings.secretsManager,
        s3: surroundings.s3,
        stepfunctions: url,
      }),
      ROLE_KEYS: JSON.stringify(surroundings.roleKeys ?? {}),
    },
  });
  let said = '';
  let ended = false;
  const hear = (chunk: Buffer): void => {
    said = (said + chunk.toString()).slice(-20_000);
  };
  child.stdout.on('data', hear);
  child.stderr.on('data', hear);
  child.once('exit', () => {
    ended = true;
  });
  const exited = once(child, 'exit');
  const close = async (): Promise<void> => {
    child.kill('SIGKILL');
    await exited;
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  const client = new SFNClient({ endpoint: url, region: 'us-east-1', credentials });
  const giveUpAt = performance.now() + longestStartMs;
  while (!ended && performance.now() < giveUpAt) {
    const isUp = await fetch(`${url}/_localstack/health`).then(
      (answer) => answer.ok,
      () => false,
    );
    if (isUp) return { url, client, close };
    await sleep(250);
  }
  await close();
  throw new Error(`The interpreter did not start: ${said}`);
}
