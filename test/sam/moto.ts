import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { localSamEnvironment, root, run } from '../../examples/sam/program.ts';
import { closedPort } from '../support/closed-port.ts';
import { ownRole } from './combinations.ts';

/** moto's server, with a bucket for packages and a role; see moto_server.py. */
export interface Moto {
  readonly bucket: string;
  /** Variables by which AWS's tools find it. */
  readonly env: Readonly<Record<string, string>>;
  stop(): void;
}

const bucket = 'packages';

/** @param secretsManagerUrl where rotation schedules are made */
export async function startMoto(secretsManagerUrl: string): Promise<Moto> {
  const port = await closedPort();
  // Only by this name moto recognises that a template's URL is its own.
  const url = `http://localhost:${port}`;
  const env = {
    AWS_ENDPOINT_URL: url,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: secretsManagerUrl,
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    // Seconds between two looks at a deployment; moto is done at once.
    SAM_CLI_POLL_DELAY: '0.5',
  };
  const server = spawn('python', ['test/sam/moto_server.py', String(port)], {
    cwd: root,
    env: localSamEnvironment(env),
    stdio: 'ignore',
  });
  const stop = (): void => void server.kill();
  try {
    while (!(await answers(url))) {
      if (server.exitCode !== null) throw new Error('moto has ended.');
      await sleep(100);
    }
    await run('python', ['test/sam/prepare.py', bucket, ownRole], { env });
  } catch (error) {
    stop();
    throw error;
  }
  return { bucket, env, stop };
}

async function answers(url: string): Promise<boolean> {
  return fetch(url).then(
    () => true,
    () => false,
  );
}
