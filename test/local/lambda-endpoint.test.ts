import { once } from 'node:events';
import { createServer } from 'node:http';
import { json } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { LocalEvent } from '../../src/local/index.ts';
import { clientAt, startKeyturnLocal } from '../cli/keyturn-process.ts';
import { functionArn, start, temporaryFolder, token } from './harness.ts';

interface Answer {
  readonly status?: number;
  readonly functionError?: string;
  readonly payload: unknown;
}

/** An endpoint that speaks Lambda's Invoke API, as `sam local start-lambda` does. */
async function startLambda(answer: (event: unknown) => Answer | Promise<Answer>) {
  const calls: { path: string | undefined; event: unknown }[] = [];
  const server = createServer(async (request, response) => {
    const event = await json(request);
    calls.push({ path: request.url, event });
    const { status = 200, functionError, payload } = await answer(event);
    response.writeHead(status, functionError ? { 'X-Amz-Function-Error': functionError } : {});
    response.end(JSON.stringify(payload));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('No address');
  return { calls, url: `http://127.0.0.1:${address.port}` };
}

async function rotateBy(lambdaEndpoint: string) {
  const { local, client, events } = await start({ lambdaEndpoint });
  await client.createSecret({ Name: 'n', SecretString: 'v' });
  const RotationLambdaARN = 'arn:aws:lambda:us-east-1:123456789012:function:Rotator:live';
  await client.rotateSecret({ SecretId: 'n', RotationLambdaARN, ClientRequestToken: token('two') });
  await local.rotationsSettled();
  return events.at(-1);
}

describe('a Lambda endpoint', () => {
  it('is called for each step, by the function’s name', async () => {
    const lambda = await startLambda(() => ({ payload: null }));
    await rotateBy(lambda.url);
    expect(lambda.calls.map(({ path }) => path)).toEqual(
      Array(4).fill('/2015-03-31/functions/Rotator/invocations'),
    );
    expect(lambda.calls[0]?.event).toEqual({
      Step: 'createSecret',
      SecretId: expect.stringMatching(/^arn:/),
      ClientRequestToken: token('two'),
      RotationToken: expect.any(String),
    });
  });

  it.each<[string, Answer, string]>([
    [
      'an error payload',
      {
        functionError: 'Unhandled',
        payload: { errorType: 'TypeError', errorMessage: 'x is not a function' },
      },
      'TypeError: x is not a function',
    ],
    ['an error without a payload', { functionError: 'Unhandled', payload: 'boom' }, 'Unhandled: no message'],
    [
      'a function that is gone',
      { status: 404, payload: { message: 'Function not found' } },
      'Function not found',
    ],
    ['a throttled call', { status: 429, payload: { message: 'Rate Exceeded.' } }, 'Rate Exceeded.'],
  ])('fails the step with %s', async (_name, answer, message) => {
    const lambda = await startLambda(() => answer);
    expect(await rotateBy(lambda.url)).toMatchObject({
      type: 'rotation-failed',
      error: expect.stringContaining(message),
    });
    expect(lambda.calls).toHaveLength(1);
  });

  it('is called again, with the same token, after a kill -9 in the middle of a step', async () => {
    const dataDirectory = await temporaryFolder();
    const called = Promise.withResolvers<void>();
    const lambda = await startLambda(() => {
      called.resolve();
      return new Promise<never>(() => {});
    });
    const args = ['--data', dataDirectory, '--lambda-endpoint', lambda.url];
    const server = await startKeyturnLocal(...args);
    const client = clientAt(server.url);
    await client.createSecret({ Name: 'n', SecretString: 'v' });
    await client.rotateSecret({
      SecretId: 'n',
      RotationLambdaARN: functionArn('rotator'),
      ClientRequestToken: token('two'),
    });
    await called.promise;
    await server.kill('SIGKILL');
    const { local } = await start({
      dataDirectory,
      lambdaEndpoint: (await startLambda(() => ({ payload: null }))).url,
    });
    const attempts: LocalEvent[] = [];
    local.on((event) => attempts.push(event));
    await local.rotationsSettled();
    expect(attempts.at(-1)).toMatchObject({ type: 'rotation-failed', token: token('two') });
  });

  it('fails the step when nobody is there', async () => {
    expect(await rotateBy('http://127.0.0.1:9')).toMatchObject({ type: 'rotation-failed' });
  });
});
