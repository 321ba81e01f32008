import type { Secret } from './secrets.ts';
import type { SecretValue } from './value.ts';

/** The context that Lambda gives a handler. @see https://docs.aws.amazon.com/lambda/latest/dg/nodejs-context.html */
export interface LambdaContext {
  callbackWaitsForEmptyEventLoop: boolean;
  functionName: string;
  functionVersion: string;
  invokedFunctionArn: string;
  memoryLimitInMB: string;
  awsRequestId: string;
  logGroupName: string;
  logStreamName: string;
  getRemainingTimeInMillis(): number;
  done(error?: Error, result?: unknown): void;
  fail(error: Error | string): void;
  succeed(messageOrObject: unknown): void;
  succeed(message: string, object: unknown): void;
}

/** The context as the handler finds it: the values by the names that were given to their secrets. */
export interface SecretsContext<Names extends string> extends LambdaContext {
  secrets: Readonly<Record<Names, SecretValue>>;
}

/** A middleware for middy. */
export interface SecretsMiddleware<Names extends string> {
  /** @throws as {@link Secret.get} */
  before(request: { context: SecretsContext<Names> }): Promise<void>;
  after(): Promise<void>;
  onError(): Promise<void>;
}

/**
 * A middy middleware that has the values of secrets ready in the handler's context, as `context.secrets`. What was read
 * is used by later invocations too; what the handler finds is its own invocation's, however many the process serves.
 *
 * @see https://middy.js.org/docs/writing-middlewares/intro
 */
export function createSecretsMiddleware<Names extends string>(
  secrets: Readonly<Record<Names, Secret>>,
): SecretsMiddleware<Names> {
  const named = Object.entries<Secret>(secrets);
  // Lambda may freeze the process when the handler has answered, and a read with it.
  const settle = async (): Promise<void> => {
    await Promise.all(named.map(([, secret]) => secret.settled()));
  };
  return {
    before: async ({ context }) => {
      const values = await Promise.all(
        named.map(async ([name, secret]) => [name, await secret.get()] as const),
      );
      Object.assign(context, { secrets: Object.freeze(Object.fromEntries(values)) });
    },
    after: settle,
    onError: settle,
  };
}
