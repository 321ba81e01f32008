import { InvokeStore, InvokeStoreBase } from '@aws/lambda-invoke-store';
import { lambdaContext } from './lambda-context.ts';

/**
 * Stands where Lambda's runtime stands: takes events from the parent process, calls the deployed entry with them,
 * and answers with what it came to. The entry's URL is the one argument. The function's log goes to this process's
 * output. With AWS_LAMBDA_MAX_CONCURRENCY, as with Lambda's managed instances, many events come at once, and what
 * belongs to each is in the runtime's store and not in variables.
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
}

process.on('message', async ({ requestId, event, traceId }: Invocation) => {
  const endsAt = Date.now() + Number(process.env.KEYTURN_TEST_TIME_MS ?? 30_000);
  const context = lambdaContext({
    awsRequestId: requestId,
    getRemainingTimeInMillis: () => endsAt - Date.now(),
  });
  const { store, handler } = await loading;
  const invoke = () =>
    handler(event, context).then(
      () => undefined,
      (thrown: unknown) => (thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown)),
    );
  if (!atOnce) process.env._X_AMZN_TRACE_ID = traceId;
  const { PROTECTED_KEYS: keys } = InvokeStoreBase;
  const error = await store.run({ [keys.REQUEST_ID]: requestId, [keys.X_RAY_TRACE_ID]: traceId }, invoke);
  process.send?.({ requestId, error });
});
