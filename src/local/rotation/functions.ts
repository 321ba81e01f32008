import { randomUUID } from 'node:crypto';
import { functionArn, functionName, isFunctionArn, type Partition, unqualifiedFunctionArn } from '../arn.ts';
import { longestTimeoutMs } from '../clock.ts';
import type { InvokeEndpoint } from './lambda-endpoint.ts';

const defaultTimeoutMs = 30_000;

/**
 * The event of a rotation function.
 * @see https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html
 */
export interface RotationRequest {
  /** A step of a rotation, or any text of a manual invocation. */
  readonly Step: string;
  /** The secret's full ARN. */
  readonly SecretId: string;
  /** The id of the version that becomes AWSCURRENT. */
  readonly ClientRequestToken: string;
  /** Proves to PutSecretValue that a rotation makes the call. Sensitive. */
  readonly RotationToken?: string | undefined;
}

/** A Lambda handler's context, without the members that make no sense here. */
export interface LocalFunctionContext {
  /** Identifies the invocation. */
  readonly awsRequestId: string;
  /** The function's name. */
  readonly functionName: string;
  /** The function's version. */
  readonly functionVersion: string;
  /** The function's ARN. */
  readonly invokedFunctionArn: string;
  /** Memory in MB, as a text. */
  readonly memoryLimitInMB: string;
  /** As in Lambda. Nothing is written there. */
  readonly logGroupName: string;
  /** As in Lambda. Nothing is written there. */
  readonly logStreamName: string;
  /** Has no effect here. */
  callbackWaitsForEmptyEventLoop: boolean;
  /** Milliseconds of real time until the call counts as failed. */
  getRemainingTimeInMillis(): number;
  /** Lambda's old ways to answer. They do nothing here: return or throw instead. */
  done(): void;
  /** Does nothing: throw instead. */
  fail(): void;
  /** Does nothing: return instead. */
  succeed(): void;
}

/** A rotation function in this process. It fails by throwing. */
export type LocalFunction = (event: RotationRequest, context: LocalFunctionContext) => unknown;

/** Settings of a function in this process. */
export interface LocalFunctionSettings {
  /** After how many milliseconds of real time a call counts as failed. Default: 30,000. */
  readonly timeoutMs?: number;
}

interface RegisteredFunction {
  readonly handler: LocalFunction;
  readonly timeoutMs: number;
}

/** The functions that rotations can call. */
export interface FunctionRegistry {
  /** Adds or replaces a function. @returns its ARN @throws Error for a malformed name or ARN, or an invalid time limit */
  register(nameOrArn: string, handler: LocalFunction, settings?: LocalFunctionSettings): string;
  /** Whether a function with this ARN can be called. */
  knows(arn: string): boolean;
  /** Calls a function and waits for its answer. Rejects if the function fails. */
  invoke(arn: string, request: RotationRequest): Promise<unknown>;
}

/** Makes the registry. @param endpoint called for functions that aren't registered */
export function createFunctionRegistry(
  partition: Partition,
  endpoint: InvokeEndpoint | undefined,
): FunctionRegistry {
  const functions = new Map<string, RegisteredFunction>();
  const find = (arn: string) => functions.get(arn) ?? functions.get(unqualifiedFunctionArn(arn));
  return {
    register(nameOrArn, handler, { timeoutMs = defaultTimeoutMs } = {}) {
      const arn = functionArn(partition, nameOrArn);
      if (!isFunctionArn(arn)) throw new Error(`'${nameOrArn}' must be the name or the ARN of a function.`);
      if (typeof handler !== 'function') throw new Error(`The handler of '${nameOrArn}' must be a function.`);
      if (!(timeoutMs > 0 && timeoutMs <= longestTimeoutMs))
        throw new Error(
          `timeoutMs: '${timeoutMs}' must be milliseconds, above 0 and up to ${longestTimeoutMs}.`,
        );
      functions.set(arn, { handler, timeoutMs });
      return arn;
    },
    knows: (arn) => find(arn) !== undefined || endpoint !== undefined,
    async invoke(arn, request) {
      const registered = find(arn);
      if (registered) return invokeRegistered(arn, registered, request);
      if (endpoint) return endpoint.invoke(arn, request);
      throw new Error(`Function not found: ${arn}`);
    },
  };
}

async function invokeRegistered(
  arn: string,
  { handler, timeoutMs }: RegisteredFunction,
  request: RotationRequest,
): Promise<unknown> {
  const { promise: timeout, reject } = Promise.withResolvers<never>();
  const timeOut = () => reject(new Error(`Task timed out after ${timeoutMs / 1000} seconds`));
  // A function that hangs must not keep the process alive after the server is closed.
  const timer = setTimeout(timeOut, timeoutMs).unref();
  try {
    return await Promise.race([timeout, callHandler(handler, request, createContext(arn, timeoutMs))]);
  } finally {
    clearTimeout(timer);
  }
}

/** Async, so that a handler that throws before its first await fails like any other. */
async function callHandler(
  handler: LocalFunction,
  request: RotationRequest,
  context: LocalFunctionContext,
): Promise<unknown> {
  return handler({ ...request }, context);
}

function createContext(arn: string, timeoutMs: number): LocalFunctionContext {
  const endsAt = performance.now() + timeoutMs;
  const name = functionName(arn);
  return {
    awsRequestId: randomUUID(),
    functionName: name,
    functionVersion: '$LATEST',
    invokedFunctionArn: arn,
    memoryLimitInMB: '128',
    logGroupName: `/aws/lambda/${name}`,
    logStreamName: 'local',
    callbackWaitsForEmptyEventLoop: false,
    getRemainingTimeInMillis: () => Math.max(0, Math.floor(endsAt - performance.now())),
    done: () => {},
    fail: () => {},
    succeed: () => {},
  };
}
