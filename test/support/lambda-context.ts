import type { Context } from 'aws-lambda';

/** The context that Lambda gives a handler. The call has 30 s left. */
export function lambdaContext(differing: Partial<Context> = {}): Context {
  return {
    functionName: 'keyturn',
    functionVersion: '1',
    invokedFunctionArn: 'arn:aws:lambda:us-east-1:123456789012:function:keyturn',
    memoryLimitInMB: '256',
    awsRequestId: 'request',
    logGroupName: 'group',
    logStreamName: 'stream',
    callbackWaitsForEmptyEventLoop: false,
    getRemainingTimeInMillis: () => 30_000,
    done: () => undefined,
    fail: () => undefined,
    succeed: () => undefined,
    ...differing,
  };
}
