import type { Secret } from './secrets.ts';
import type { SecretValue } from './value.ts';

/** A Lambda handler's context. @see https://docs.aws.amazon.com/lambda/latest/dg/nodejs-context.html */
export interface LambdaContext {
  /** False: Lambda answers at once, even if something is still pending. */
  callbackWaitsForEmptyEventLoop: boolean;
  /** The function's name. */
  functionName: string;
  /** The function's version. */
  functionVersion: string;
  /** The ARN by which the function was invoked. */
  invokedFunctionArn: string;
  /** The function's memory in MB, as a text. */
  memoryLimitInMB: string;
  /** Identifies the invocation. */
  awsRequestId: string;
  /** The function's log group. */
  logGroupName: string;
  /** The instance's log stream. */
  logStreamName: string;
  /** The time until Lambda ends the invocation, in ms. */
  getRemainingTimeInMillis(): number;
  /** An old way to answer: return or throw instead. */
  done(error?: Error, result?: unknown): void;
  /** An old way to fail: throw instead. */
  fail(error: Error | string): void;
  /** An old way to answer: return instead. */
  succeed(messageOrObject: unknown): void;
  /** An old way to answer: return instead. */
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
