import { type ChildProcess, fork } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { RotateSecretCommand } from '@aws-sdk/client-secrets-manager';
import { compileCache } from './compile-cache.ts';
import type { RotationFixture } from './rotation-fixture.ts';

interface Answer {
  readonly requestId: string;
  readonly error?: string;
}

/** The root id of a new trace, in X-Ray's form. */
export function newTraceRoot(): string {
  const time = Math.floor(Date.now() / 1000).toString(16);
  return `1-${time}-${randomBytes(12).toString('hex')}`;
}

/** The deployed function in a process of its own. */
export interface Deployed {
  /** Invokes the function. @param traceRoot the trace's root id, as Lambda gives it. Default: a new one */
  invoke(event: unknown, traceRoot?: string): Promise<void>;
  /** All that was printed, up to the last event that was answered. */
  output(): string;
  stop(): void;
}

/**
 * Starts the deployed function, configured by environment variables alone.
 * @param preload a module that is loaded first, as the wrapper of a Lambda layer does
 */
export function deploy(
  environment: Readonly<Record<string, string>>,
  entry = new URL('../../src/lambda.ts', import.meta.url),
  preload?: URL,
): Deployed {
  const child: ChildProcess = fork(join(import.meta.dirname, 'lambda-process.ts'), [entry.href], {
    env: {
      PATH: process.env.PATH,
      ...compileCache,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'FUNCTION',
      AWS_SECRET_ACCESS_KEY: 'x',
      ...environment,
    },
    execArgv: preload === undefined ? [] : ['--import', preload.href],
    silent: true,
  });
  const answers = new Map<string, (answer: Answer) => void>();
  child.on('message', (answer: Answer) => {
    answers.get(answer.requestId)?.(answer);
    answers.delete(answer.requestId);
  });
  const ended = once(child, 'close').then(([code, signal]) => {
    throw new Error(`The function's process has ended with ${code ?? signal}: ${output()}`);
  });
  ended.catch(() => undefined);
  const said = [child.stdout, child.stderr].map((stream) => ({
    stream: stream?.setEncoding('utf8'),
    text: '',
  }));
  for (const one of said) {
    // Many events may wait at once.
    one.stream?.setMaxListeners(0);
    one.stream?.on('data', (chunk: string) => {
      one.text += chunk;
    });
  }
  const output = (): string => said.map(({ text }) => text.replaceAll(/^end of [\w-]+\n/gm, '')).join('');
  /** Resolves when both streams have this line. The answer to an event comes by another way, and may come before them. */
  const printed = async (line: string): Promise<void> => {
    for (const one of said)
      while (!one.text.includes(`${line}\n`)) if (one.stream) await once(one.stream, 'data');
  };
  return {
    output,
    stop: () => void child.kill(),
    invoke: async (event, traceRoot = newTraceRoot()) => {
      const requestId = randomUUID();
      const traceId = `Root=${traceRoot};Parent=${randomBytes(8).toString('hex')};Sampled=1`;
      const lastLine = `end of ${requestId}`;
      const answered = new Promise<Answer>((resolve) => answers.set(requestId, resolve));
      child.send({ requestId, event, traceId, lastLine });
      const { error } = await Promise.race([answered, ended]);
      await Promise.race([printed(lastLine), ended]);
      if (error !== undefined) throw new Error(error);
    },
  };
}

/** Rotates a new secret with a deployed function. @returns `failure`: the error of a rotation that failed */
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
