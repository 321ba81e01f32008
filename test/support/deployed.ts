import { type ChildProcess, fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { RotateSecretCommand } from '@aws-sdk/client-secrets-manager';
import type { RotationFixture } from './rotation-fixture.ts';

/** The deployed function in a process of its own. */
export interface Deployed {
  invoke(event: unknown): Promise<void>;
  output(): string;
  stop(): void;
}

/** Starts the deployed function, configured by environment variables alone. */
export function deploy(
  environment: Readonly<Record<string, string>>,
  entry = new URL('../../src/lambda.ts', import.meta.url),
): Deployed {
  const child: ChildProcess = fork(join(import.meta.dirname, 'lambda-process.ts'), [entry.href], {
    env: {
      PATH: process.env.PATH,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'FUNCTION',
      AWS_SECRET_ACCESS_KEY: 'x',
      ...environment,
    },
    execArgv: [],
    silent: true,
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  return {
    output: () => output,
    stop: () => void child.kill(),
    invoke: async (event) => {
      const time = Math.floor(Date.now() / 1000).toString(16);
      const traceId = `Root=1-${time}-${randomBytes(12).toString('hex')};Parent=${randomBytes(8).toString('hex')};Sampled=1`;
      const answered = once(child, 'message');
      child.send({ event, traceId });
      const [answer]: { error?: string }[] = await answered;
      if (answer?.error !== undefined) throw new Error(answer.error);
    },
  };
}

/** Rotates a new secret with a deployed function; `failure` is why it failed. */
export async function rotateWith(
  fixture: RotationFixture,
  deployed: Deployed,
  secret: unknown,
): Promise<{ arn: string; failure: string | undefined }> {
  const arn = await fixture.createSecret(secret);
  let failure: string | undefined;
  const stopListening = fixture.local.on((event) => {
    if (event.type === 'rotation-failed') failure = event.error;
  });
  const RotationLambdaARN = fixture.local.registerFunction('deployed', (event) => deployed.invoke(event));
  await fixture.client.send(
    new RotateSecretCommand({
      SecretId: arn,
      RotationLambdaARN,
      RotationRules: { AutomaticallyAfterDays: 1 },
    }),
  );
  await fixture.local.rotationsSettled(arn);
  stopListening();
  return { arn, failure };
}
