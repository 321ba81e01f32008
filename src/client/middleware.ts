import type { Secret } from './secrets.ts';
import type { SecretValue } from './value.ts';

/** A Lambda handler's context. @see https://docs.aws.amazon.com/lambda/latest/dg/nodejs-context.html */
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

/** The handler's context, with the values of the secrets by the names given to them. */
export interface SecretsContext<Names extends string> extends LambdaContext {
  /** The values, by the names given to their secrets. Frozen. */
  secrets: Readonly<Record<Names, SecretValue>>;
}

/** A middleware for middy. */
export interface SecretsMiddleware<Names extends string> {
  /** Reads the secrets. @throws the errors of {@link Secret.get} */
  before(request: { context: SecretsContext<Names> }): Promise<void>;
  /** Waits for reads that are under way, at most a second. */
  after(): Promise<void>;
  /** Waits for reads that are under way, at most a second. */
  onError(): Promise<void>;
}

/**
 * Makes a middy middleware that puts the values of secrets into the handler's context, as `context.secrets`. Values are
 * cached across invocations. Each invocation has its own `context.secrets`.
 *
 * @see https://middy.js.org/docs/writing-middlewares/intro
 */
export function createSecretsMiddleware<Names extends string>(
  secrets: Readonly<Record<Names, Secret>>,
): SecretsMiddleware<Names> {
  const named = Object.entries<Secret>(secrets);
  // Lambda may freeze the process after the answer, in the middle of a read.
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
