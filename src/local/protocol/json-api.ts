import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import {
  internalFailure,
  reportFault,
  ServiceError,
  serializationFailure,
  unknownOperation,
} from '../errors.ts';
import { StoreError } from '../store/store-error.ts';
import {
  ConnectionCut,
  credentialOf,
  hungUp,
  mediaTypeOf,
  type Protocol,
  pathOf,
  type Reply,
  readBody,
} from './http.ts';

const jsonContentType = 'application/x-amz-json-1.1';
const helpText =
  'This is the local Secrets Manager of Keyturn. Give its address to an AWS SDK or the AWS CLI as the endpoint URL.\n';

/** A request of the JSON 1.1 protocol, with nothing in it validated. */
export interface ApiRequest {
  /** The operation that X-Amz-Target names; empty when it names none of this service. */
  readonly operation: string;
  /** The access key that signed it; empty when nothing did. */
  readonly accessKeyId: string;
  /** The region that it was signed for; undefined when it wasn't signed. */
  readonly region: string | undefined;
  readonly body: unknown;
  /** As it came, for whoever checks the signature. */
  readonly message: IncomingMessage;
  /** The body that it came with. */
  readonly text: string;
}

/** Answers a request with an object, or with nothing; throws a ServiceError to answer with that. */
export type ApiHandler = (request: ApiRequest) => Promise<object | undefined>;

/** Is told of each answer, right before it is sent. */
export type ApiObserver = (request: ApiRequest, durationMs: number, error?: ServiceError) => void;

/**
 * AWS's JSON 1.1 protocol, which the Secrets Manager API is in. It speaks whatever nobody else does, so that a client
 * that asks for something else gets an error that it can read.
 * @see https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html
 */
export function createJsonApi(handle: ApiHandler, observe: ApiObserver): Protocol {
  return {
    speaks: () => true,
    async answer(request) {
      const path = pathOf(request);
      if (request.method !== 'POST' && path === '/') return help(request);
      const startedAt = performance.now();
      let apiRequest = factsOf(request);
      try {
        checkForm(request);
        const text = await readBody(request);
        apiRequest = { ...apiRequest, body: parseBody(text), text };
        const reply = replyOf(200, await handle(apiRequest));
        observe(apiRequest, performance.now() - startedAt);
        return reply;
      } catch (cause) {
        if (hungUp(request)) throw cause;
        if (cause instanceof ConnectionCut) {
          observe(apiRequest, performance.now() - startedAt, new ServiceError(cause.message, ''));
          throw cause;
        }
        const error = cause instanceof ServiceError ? cause : unexpected(cause);
        observe(apiRequest, performance.now() - startedAt, error);
        return replyOf(error.status, error.body);
      }
    },
    refuse(request, error) {
      observe(factsOf(request), 0, error);
      return replyOf(error.status, error.body);
    },
  };
}

/**
 * Whether it has the method, the path and the content type of the protocol. A web page can't send that content type
 * without asking first, as it can those of forms and of plain text.
 * @see https://fetch.spec.whatwg.org/#cors-safelisted-request-header
 * @throws ServiceError UnknownOperationException
 */
function checkForm(request: IncomingMessage): void {
  if (request.method !== 'POST' || request.url !== '/') throw unknownOperation(404);
  if (mediaTypeOf(request) === jsonContentType) return;
  throw new ServiceError(
    'UnknownOperationException',
    `The requested operation is not recognized: its Content-Type must be ${jsonContentType}.`,
  );
}

function help({ method }: IncomingMessage): Reply {
  const status = method === 'GET' || method === 'HEAD' ? 200 : 405;
  return { status, headers: { 'Content-Type': 'text/plain' }, content: helpText };
}

function replyOf(status: number, body: object | undefined): Reply {
  return {
    status,
    headers: { 'Content-Type': jsonContentType, 'x-amzn-RequestId': randomUUID() },
    content: body ? JSON.stringify(body) : '',
  };
}

/** No part of the body is in the error: it may be a secret. */
function parseBody(body: string): unknown {
  try {
    return JSON.parse(body === '' ? '{}' : body);
  } catch {
    throw serializationFailure('The request body is not valid JSON.');
  }
}

function factsOf(message: IncomingMessage): ApiRequest {
  const { accessKeyId, region } = credentialOf(message);
  return { operation: operationOf(message), accessKeyId, region, message, body: undefined, text: '' };
}

function operationOf(request: IncomingMessage): string {
  return /^secretsmanager\.(\w+)$/.exec(String(request.headers['x-amz-target']))?.[1] ?? '';
}

function unexpected(cause: unknown): ServiceError {
  reportFault(cause);
  return internalFailure(cause instanceof StoreError ? cause.message : undefined);
}
