import type { IncomingMessage, ServerResponse } from 'node:http';
import { functionArn, functionName, type Partition } from '../arn.ts';
import { ServiceError, serializationFailure, validationFailure } from '../errors.ts';
import type { FunctionRegistry, RotationRequest } from '../rotation/functions.ts';
import { readBody } from './http.ts';

const PATH = /^\/2015-03-31\/functions\/([^/?]+)\/(invocations|policy|configuration)(?:\?|$)/;

interface Answer {
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * The part of Lambda's API that whoever attaches a function needs, for the functions that rotations can call: Invoke,
 * GetPolicy and GetFunctionConfiguration. So one endpoint URL stands for both services.
 * @returns answers a request, or says that it is none of Lambda's
 * @see https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
 */
export function createLambdaApi(
  functions: FunctionRegistry,
  partition: Partition,
): (request: IncomingMessage, response: ServerResponse) => boolean {
  return (request, response) => {
    const [, name = '', operation] = PATH.exec(request.url ?? '') ?? [];
    if (operation === undefined) return false;
    const arn = functionArn(partition, decodeURIComponent(name));
    void answer(functions, arn, operation, request).then(
      ({ body, headers }) => send(response, 200, body, headers),
      (error: unknown) => sendError(response, error),
    );
    return true;
  };
}

async function answer(
  functions: FunctionRegistry,
  arn: string,
  operation: string,
  request: IncomingMessage,
): Promise<Answer> {
  if (!functions.knows(arn)) {
    throw new ServiceError('ResourceNotFoundException', `Function not found: ${arn}`, 404);
  }
  if (operation === 'policy') return { body: { Policy: JSON.stringify(policyOf(arn)) } };
  if (operation === 'configuration') return { body: { FunctionName: functionName(arn), FunctionArn: arn } };
  return invoke(functions, arn, await readBody(request));
}

async function invoke(functions: FunctionRegistry, arn: string, body: string): Promise<Answer> {
  const event = parse(body);
  if (!isRotationRequest(event)) throw validationFailure('The payload is not the event of a rotation.');
  try {
    return { body: (await functions.invoke(arn, event)) ?? null };
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
    throw serializationFailure('The payload is not valid JSON.');
  }
}

/** Here Secrets Manager may call every function. */
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

function sendError(response: ServerResponse, cause: unknown): void {
  const error =
    cause instanceof ServiceError ? cause : new ServiceError('ServiceException', String(cause), 500);
  send(response, error.status, { Type: 'User', Message: error.message }, { 'x-amzn-ErrorType': error.type });
}

function send(response: ServerResponse, status: number, body: unknown, headers: object = {}): void {
  response.writeHead(status, { 'Content-Type': 'application/json', ...headers }).end(JSON.stringify(body));
}
