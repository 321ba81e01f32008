import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { functionArn, functionName, type Partition } from '../arn.ts';
import { reportFault, ServiceError, unknownOperation, validationFailure } from '../errors.ts';
import type { FunctionRegistry, RotationRequest } from '../rotation/functions.ts';
import { hungUp, mediaTypeOf, type Protocol, pathOf, type Reply, readBody } from './http.ts';

/** GetFunctionConcurrency has a date of its own. */
const pathPattern =
  /^(?:\/2015-03-31\/functions\/([^/]+)\/(invocations|policy|configuration)|\/2019-09-30\/functions\/([^/]+)\/(concurrency))$/;
/** As in the model of Lambda's API, but without its namespaces of versions. */
const functionNamePattern =
  /^(?:arn:aws[a-zA-Z-]*:lambda:[a-z]{2,4}(?:-[a-z]+)+-\d:\d{12}:function:|(?:\d{12}:)?(?:function:)?)[a-zA-Z0-9-_]+(?::(?:\$LATEST|[a-zA-Z0-9-_]+))?$/;

const operations = {
  invocations: { action: 'InvokeFunction', method: 'POST' },
  policy: { action: 'GetPolicy', method: 'GET' },
  configuration: { action: 'GetFunctionConfiguration', method: 'GET' },
  concurrency: { action: 'GetFunctionConcurrency', method: 'GET' },
} as const;

/** Content types that the AWS SDKs send. A web page can't send them without asking first. */
const payloadTypes = new Set([
  'application/json',
  'application/octet-stream',
  'application/x-amz-json-1.0',
  'application/x-amz-json-1.1',
  'binary/octet-stream',
]);

/** A request of Lambda's API whose signature is to be checked. */
export interface LambdaRequest {
  /** The name of the permission, without `lambda:`. */
  readonly action: string;
  readonly functionArn: string;
  readonly message: IncomingMessage;
  readonly text: string;
}

/** @throws ServiceError if the signature is wrong, or the caller may not do it */
export type LambdaGuard = (request: LambdaRequest) => Promise<void>;

interface LambdaAnswer {
  readonly status?: number;
  /** Undefined for an answer without a body. */
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * The part of Lambda's API that `keyturn attach` and `keyturn doctor` need: Invoke, GetPolicy, GetFunctionConfiguration and
 * GetFunctionConcurrency. It knows the functions that rotations can call. So one endpoint URL serves both services.
 * @param guard undefined if everybody may do everything
 * @see https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
 */
export function createLambdaApi(
  functions: FunctionRegistry,
  partition: Partition,
  guard: LambdaGuard | undefined,
): Protocol {
  const answer = async (message: IncomingMessage): Promise<LambdaAnswer> => {
    const { operation, arn } = targetOf(message, partition);
    checkContentType(message, operation);
    const text = await readBody(message);
    await guard?.({ action: operations[operation].action, functionArn: arn, message, text });
    if (!functions.knows(arn)) {
      throw new ServiceError('ResourceNotFoundException', `Function not found: ${arn}`, 404);
    }
    if (operation === 'policy') return { body: { Policy: JSON.stringify(policyOf(arn)) } };
    if (operation === 'configuration') return { body: { FunctionName: functionName(arn), FunctionArn: arn } };
    // No concurrency is reserved.
    if (operation === 'concurrency') return { body: {} };
    return invoke(functions, arn, text, message.headers['x-amz-invocation-type']);
  };
  return {
    speaks: (request) => /^\/(?:2015-03-31|2019-09-30)\//.test(pathOf(request)),
    async answer(request) {
      try {
        return replyOf(await answer(request));
      } catch (cause) {
        if (hungUp(request)) throw cause;
        return errorReply(cause);
      }
    },
    refuse: (_, error) => errorReply(error),
  };
}

function targetOf(
  request: IncomingMessage,
  partition: Partition,
): { readonly operation: keyof typeof operations; readonly arn: string } {
  const [encodedName = '', operation] = pathPattern.exec(pathOf(request))?.slice(1).filter(Boolean) ?? [];
  if (!isOperation(operation) || request.method !== operations[operation].method) throw unknownOperation(404);
  const name = decoded(encodedName);
  if (name === undefined || !functionNamePattern.test(name)) {
    throw validationFailure(
      `1 validation error detected: Value '${name ?? encodedName}' at 'functionName' failed to satisfy constraint: ` +
        'Member must be the name or the ARN of a function',
    );
  }
  const [, accountId = partition.accountId, plainName = name] =
    /^(?:(\d{12}):)?(?:function:)?([^:]+(?::[^:]+)?)$/.exec(name) ?? [];
  return { operation, arn: functionArn({ ...partition, accountId }, plainName) };
}

function isOperation(name: string | undefined): name is keyof typeof operations {
  return name !== undefined && Object.hasOwn(operations, name);
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/**
 * Checks the content type. boto3 and the AWS CLI send a payload without one. A web page can do so too, but not with the
 * header of a signature.
 * @throws ServiceError UnsupportedMediaTypeException
 */
function checkContentType(request: IncomingMessage, operation: keyof typeof operations): void {
  const type = mediaTypeOf(request);
  if (type === undefined ? operation !== 'invocations' || isSigned(request) : payloadTypes.has(type)) return;
  throw new ServiceError(
    'UnsupportedMediaTypeException',
    'The content type of the Invoke request body is not JSON: it must be application/json.',
    415,
  );
}

function isSigned({ headers }: IncomingMessage): boolean {
  return headers.authorization?.startsWith('AWS4-') ?? false;
}

/** @see https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_RequestSyntax InvocationType */
async function invoke(
  functions: FunctionRegistry,
  arn: string,
  payload: string,
  type: string | string[] = 'RequestResponse',
): Promise<LambdaAnswer> {
  const event = parse(payload);
  if (!isRotationRequest(event)) throw validationFailure('The payload is not the event of a rotation.');
  if (type === 'DryRun') return { status: 204, body: undefined };
  if (type === 'Event') {
    // As on Lambda, the caller doesn't hear how the function ends.
    functions.invoke(arn, event).catch(() => {});
    return { status: 202, body: undefined };
  }
  if (type !== 'RequestResponse')
    throw validationFailure(`There is no invocation type ${JSON.stringify(type)}.`);
  try {
    const answer = (await functions.invoke(arn, event)) ?? null;
    // An answer that JSON can't hold is the function's error.
    JSON.stringify(answer);
    return { body: answer };
  } catch (error) {
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    const headers = { 'X-Amz-Function-Error': 'Unhandled' };
    return { headers, body: { errorType: name, errorMessage: message } };
  }
}

function isRotationRequest(event: unknown): event is RotationRequest {
  if (typeof event !== 'object' || event === null) return false;
  return ['Step', 'SecretId', 'ClientRequestToken'].every(
    (name) => typeof Reflect.get(event, name) === 'string',
  );
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    throw new ServiceError('InvalidRequestContentException', 'Could not parse request body into json.');
  }
}

/** The policy of a function. Here Secrets Manager may call every function. */
function policyOf(arn: string): object {
  return {
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { Service: 'secretsmanager.amazonaws.com' },
        Action: 'lambda:InvokeFunction',
        Resource: arn,
      },
    ],
  };
}

function replyOf({ status = 200, body, headers }: LambdaAnswer): Reply {
  return {
    status,
    headers: { 'Content-Type': 'application/json', 'x-amzn-RequestId': randomUUID(), ...headers },
    content: body === undefined ? '' : (JSON.stringify(body) ?? ''),
  };
}

/** Errors whose status is 403 here, unlike in the JSON protocol. */
const forbiddenErrors = new Set([
  'AccessDeniedException',
  'InvalidSignatureException',
  'MissingAuthenticationTokenException',
  'UnrecognizedClientException',
]);

function errorReply(cause: unknown): Reply {
  if (!(cause instanceof ServiceError)) reportFault(cause);
  const error =
    cause instanceof ServiceError
      ? cause
      : new ServiceError('ServiceException', 'The local Lambda API failed.', 500);
  const status = forbiddenErrors.has(error.type) ? 403 : error.status;
  return replyOf({ status, body: error.restBody, headers: { 'x-amzn-ErrorType': error.type } });
}
