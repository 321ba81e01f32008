import { InvokeStore, InvokeStoreBase } from '@aws/lambda-invoke-store';
import { lambdaContext } from './lambda-context.ts';

/**
 * A stand-in for Lambda's runtime. It takes events from the parent process, calls the deployed function with them, and
 * answers with the error, if any. The function's URL is the only argument. The function's log goes to this process's
 * output. With AWS_LAMBDA_MAX_CONCURRENCY, many events come at once, as with Lambda's managed instances. Then the trace
 * of each event is only in the runtime's store, not in an environment variable.
 */
const atOnce = process.env.AWS_LAMBDA_MAX_CONCURRENCY !== undefined;
Reflect.set(globalThis, 'awslambda', {});
const loading = InvokeStore.getInstanceAsync().then(async (store) => {
  const entry: typeof import('../../src/lambda.ts') = await import(String(process.argv[2]));
  return { store, handler: entry.handler };
});

interface Invocation {
  readonly requestId: string;
  readonly event: unknown;
  readonly traceId: string;
  /** Is printed after all else, on both streams. */
  readonly lastLine: string;
}

process.on('message', async ({ requestId, event, traceId, lastLine }: Invocation) => {
  const { store, handler } = await loading;
  // Lambda, too, counts the time of an invocation from when the function is loaded.
  const endsAt = Date.now() + Number(process.env.KEYTURN_TEST_TIME_MS ?? 30_000);
  const context = lambdaContext({
    awsRequestId: requestId,
    getRemainingTimeInMillis: () => endsAt - Date.now(),
  });
  const invoke = () =>
    handler(event, context).then(
      () => undefined,
      (thrown: unknown) => (thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown)),
    );
  if (!atOnce) process.env._X_AMZN_TRACE_ID = traceId;
  const { PROTECTED_KEYS: keys } = InvokeStoreBase;
  const error = await store.run({ [keys.REQUEST_ID]: requestId, [keys.X_RAY_TRACE_ID]: traceId }, invoke);
  for (const stream of [process.stdout, process.stderr]) stream.write(`${lastLine}\n`);
  process.send?.({ requestId, error });
});
