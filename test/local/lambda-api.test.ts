import {
  GetFunctionConcurrencyCommand,
  GetFunctionConfigurationCommand,
  GetPolicyCommand,
  InvokeCommand,
  LambdaClient,
} from '@aws-sdk/client-lambda';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { LocalFunction } from '../../src/local/index.ts';
import { start } from './harness.ts';

const event = { Step: 'preflight', SecretId: 'n', ClientRequestToken: 't' };

/** A local Secrets Manager with one function, and Lambda's own client for it. */
async function startLambda(handler: LocalFunction) {
  const { local } = await start();
  const arn = local.registerFunction('Rotator', handler);
  const client = new LambdaClient({ ...local.clientConfig, maxAttempts: 1 });
  onTestFinished(() => client.destroy());
  const invoke = async (FunctionName: string, payload: unknown = event) => {
    const Payload = Buffer.from(JSON.stringify(payload));
    const answer = await client.send(new InvokeCommand({ FunctionName, Payload }));
    return { ...answer, payload: JSON.parse(Buffer.from(answer.Payload ?? []).toString()) };
  };
  return { client, arn, invoke };
}

describe('Lambda’s API at the local Secrets Manager', () => {
  it.each(['Rotator', 'arn:aws:lambda:us-east-1:123456789012:function:Rotator:live'])(
    'invokes %s with the event, and gives its answer',
    async (name) => {
      const { invoke } = await startLambda((request) => ({ heard: request }));
      expect(await invoke(name)).toMatchObject({ StatusCode: 200, payload: { heard: event } });
    },
  );

  it('answers null for a function that answers nothing', async () => {
    const { invoke } = await startLambda(() => undefined);
    expect((await invoke('Rotator')).payload).toBeNull();
  });

  it('gives the error of a function that fails as Lambda does', async () => {
    const { invoke } = await startLambda(() => {
      throw new TypeError('x is not a function');
    });
    expect(await invoke('Rotator')).toMatchObject({
      FunctionError: 'Unhandled',
      payload: { errorType: 'TypeError', errorMessage: 'x is not a function' },
    });
  });

  it('tells what is no event of a rotation from an unknown function', async () => {
    const { invoke } = await startLambda(() => undefined);
    await expect(invoke('Rotator', { Step: 'preflight' })).rejects.toMatchObject({
      name: 'ValidationException',
    });
    await expect(invoke('Nobody')).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
      message: 'Function not found: arn:aws:lambda:us-east-1:123456789012:function:Nobody',
    });
  });

  it('tells of a function, and that Secrets Manager may call it', async () => {
    const { client, arn } = await startLambda(() => undefined);
    const { FunctionArn } = await client.send(new GetFunctionConfigurationCommand({ FunctionName: arn }));
    const { Policy = '' } = await client.send(new GetPolicyCommand({ FunctionName: arn }));
    const concurrency = await client.send(new GetFunctionConcurrencyCommand({ FunctionName: arn }));
    expect(concurrency.ReservedConcurrentExecutions).toBeUndefined();
    expect(FunctionArn).toBe(arn);
    expect(JSON.parse(Policy)).toMatchObject({
      Statement: [{ Effect: 'Allow', Principal: { Service: 'secretsmanager.amazonaws.com' } }],
    });
  });
});
