import { once } from 'node:events';
import { createServer } from 'node:http';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createFunctionApi, type FunctionApi } from '../../src/cli/rotation/function.ts';
import { functionArn } from './rotation-commands.ts';

interface Answer {
  readonly status?: number;
  readonly error?: string;
  readonly functionError?: string;
  readonly body: unknown;
}

const denied: Answer = { status: 403, error: 'AccessDeniedException', body: { Message: 'not authorized' } };
const missing: Answer = { status: 404, error: 'ResourceNotFoundException', body: { Message: 'not there' } };
const configuration: Answer = { body: { Environment: { Variables: { KEYTURN_ROTATOR: 'postgres' } } } };

function policy(statement: object): Answer {
  return { body: { Policy: JSON.stringify({ Statement: [statement] }) } };
}

const allowed = policy({
  Effect: 'Allow',
  Principal: { Service: 'secretsmanager.amazonaws.com' },
  Action: 'lambda:InvokeFunction',
});

/** Lambda's API with these answers, by the last part of the path, and AWS's own client for it. */
async function startLambda(answers: Readonly<Record<string, Answer>>): Promise<FunctionApi> {
  const server = createServer((request, response) => {
    const operation = /([^/]+)$/.exec(request.url ?? '')?.[1] ?? '';
    const { status = 200, error, functionError, body } = answers[operation] ?? missing;
    response.writeHead(status, {
      ...(error && { 'x-amzn-ErrorType': error }),
      ...(functionError && { 'X-Amz-Function-Error': functionError }),
    });
    response.end(JSON.stringify(body));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('No address');
  const client = new LambdaClient({
    endpoint: `http://127.0.0.1:${address.port}`,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    maxAttempts: 1,
  });
  onTestFinished(() => {
    client.destroy();
    server.close();
    server.closeAllConnections();
  });
  return createFunctionApi(async () => client);
}

describe('what is told of a rotation function', () => {
  it('is its variables, where Secrets Manager may invoke it', async () => {
    const api = await startLambda({ configuration, policy: allowed });
    expect(await api.look(functionArn)).toEqual({ variables: { KEYTURN_ROTATOR: 'postgres' }, notes: [] });
  });

  it('is a note where it may not be looked at', async () => {
    const api = await startLambda({ configuration: denied, policy: denied });
    expect(await api.look(functionArn)).toEqual({
      variables: {},
      notes: [
        expect.stringContaining('lambda:GetFunctionConfiguration'),
        expect.stringContaining('Have lambda:GetPolicy allowed to you.'),
      ],
    });
  });

  it.each([
    ['no function', missing, missing, 'There is no function'],
    ['no policy', configuration, missing, 'aws lambda add-permission'],
    [
      'another principal',
      configuration,
      policy({
        Effect: 'Allow',
        Principal: { Service: 'sns.amazonaws.com' },
        Action: 'lambda:InvokeFunction',
      }),
      '--principal secretsmanager.amazonaws.com --source-account 123456789012',
    ],
    [
      'another action',
      configuration,
      policy({ Effect: 'Allow', Principal: '*', Action: ['lambda:GetFunction'] }),
      'does not let Secrets Manager invoke it',
    ],
    [
      'a refusal alone',
      configuration,
      policy({ Effect: 'Deny', Principal: '*', Action: '*' }),
      'does not let Secrets Manager invoke it',
    ],
  ])('is an error for %s', async (_name, configurationAnswer, policyAnswer, message) => {
    const api = await startLambda({ configuration: configurationAnswer, policy: policyAnswer });
    await expect(api.look(functionArn)).rejects.toMatchObject({
      code: 'FunctionUnusable',
      message: expect.stringContaining(message),
    });
  });
});

describe('the answer to a preflight', () => {
  const finding = { check: 'login', ok: true, detail: 'accepted' };

  it.each([
    ['findings', { body: { preflight: [finding] } }, { outcome: 'passed', findings: [finding] }],
    [
      'an error of the function',
      { functionError: 'Unhandled', body: { errorType: 'PreflightFailed', errorMessage: 'login' } },
      { outcome: 'failed', code: 'PreflightFailed', message: 'login' },
    ],
    [
      'nothing',
      { body: null },
      { outcome: 'unknown', reason: expect.stringContaining('does not answer a preflight') },
    ],
    [
      'of a function that is gone',
      missing,
      {
        outcome: 'failed',
        code: 'FunctionUnusable',
        message: expect.stringContaining('There is no function'),
      },
    ],
    ['a refusal', denied, { outcome: 'unknown', reason: expect.stringContaining('lambda:InvokeFunction') }],
  ])('may be %s', async (_name, answer, expected) => {
    const api = await startLambda({ invocations: answer });
    expect(await api.preflight(functionArn, 'secret', 'version')).toEqual(expected);
  });
});
