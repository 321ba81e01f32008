/**
 * Stands where Lambda's runtime stands: takes events from the parent process, calls the deployed entry with them,
 * and answers with what it came to. The entry's URL is the one argument. The function's log goes to this process's
 * output.
 */
const loading: Promise<typeof import('../../src/lambda.ts')> = import(String(process.argv[2]));

process.on('message', async ({ event, traceId }: { event: unknown; traceId: string }) => {
  process.env._X_AMZN_TRACE_ID = traceId;
  const endsAt = Date.now() + 30_000;
  const context = {
    functionName: 'keyturn',
    functionVersion: '1',
    invokedFunctionArn: 'arn:aws:lambda:us-east-1:123456789012:function:keyturn',
    memoryLimitInMB: '256',
    awsRequestId: 'request',
    logGroupName: 'group',
    logStreamName: 'stream',
    callbackWaitsForEmptyEventLoop: false,
    getRemainingTimeInMillis: () => endsAt - Date.now(),
    done: () => undefined,
    fail: () => undefined,
    succeed: () => undefined,
  };
  const { handler } = await loading;
  const error = await handler(event, context).then(
    () => undefined,
    (thrown: unknown) => (thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown)),
  );
  process.send?.({ error });
});
