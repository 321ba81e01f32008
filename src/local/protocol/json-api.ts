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

/** A request of the JSON 1.1 protocol. Nothing in it is validated yet. */
export interface ApiRequest {
  /** The operation that X-Amz-Target names. Empty if it names none of Secrets Manager's. */
  readonly operation: string;
  /** The access key that signed it. Empty if it wasn't signed. */
  readonly accessKeyId: string;
  /** The region that it was signed for. Undefined if it wasn't signed. */
  readonly region: string | undefined;
  readonly body: unknown;
  /** The HTTP request, to check its signature. */
  readonly message: IncomingMessage;
  /** The body as it was sent. */
  readonly text: string;
}

/** Answers a request with an object, or with no body. A ServiceError that it throws is the answer too. */
export type ApiHandler = (request: ApiRequest) => Promise<object | undefined>;

/** Called for each answer, right before it is sent. */
export type ApiObserver = (request: ApiRequest, durationMs: number, error?: ServiceError) => void;

/**
 * AWS's JSON 1.1 protocol, which Secrets Manager uses. It also answers requests of no other protocol here, with an error that
 * the client can read.
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
 * Checks the method, the path and the content type. A web page can send the content types of forms and of plain text without
 * asking first, but not this one.
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

/** The error has no part of the body, which may be a secret. */
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
