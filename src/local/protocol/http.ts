import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import {
  internalFailure,
  reportFault,
  requestTooLarge,
  ServiceError,
  serializationFailure,
} from '../errors.ts';
import { StoreError } from '../store/store-error.ts';

/** Ten times the longest secret value leaves room for its escapes in JSON, and for everything around it. */
const BODY_LIMIT_BYTES = 1_048_576;
const CONTENT_TYPE = 'application/x-amz-json-1.1';
const HELP =
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

/** Is told of each answer. */
export type ApiObserver = (request: ApiRequest, durationMs: number, error?: ServiceError) => void;

/**
 * An HTTP server that speaks AWS's JSON 1.1 protocol; `answersOther` gets each request first, and answers those of
 * other protocols.
 * @see https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html
 */
export function createApiServer(
  handle: ApiHandler,
  observe: ApiObserver,
  answersOther: (request: IncomingMessage, response: ServerResponse) => boolean,
): Server {
  return createServer((request, response) => {
    if (answersOther(request, response)) return;
    if (request.method === 'POST') void answer(request, response, handle, observe);
    else response.writeHead(request.method === 'GET' ? 200 : 405, { 'Content-Type': 'text/plain' }).end(HELP);
  });
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  handle: ApiHandler,
  observe: ApiObserver,
): Promise<void> {
  const startedAt = performance.now();
  const facts = { operation: operationOf(request), ...credentialOf(request), message: request };
  const finish = (apiRequest: ApiRequest, status: number, body: object | undefined, error?: ServiceError) => {
    send(response, status, body);
    observe(apiRequest, performance.now() - startedAt, error);
  };
  let apiRequest: ApiRequest = { ...facts, body: undefined, text: '' };
  try {
    const text = await readBody(request);
    apiRequest = { ...facts, body: parseBody(text), text };
    finish(apiRequest, 200, await handle(apiRequest));
  } catch (cause) {
    // A client that hung up gets no answer, and did not make a call.
    if (request.destroyed && !request.complete) return;
    const error = cause instanceof ServiceError ? cause : unexpected(cause);
    finish(apiRequest, error.status, error.body, error);
  }
}

function send(response: ServerResponse, status: number, body: object | undefined): void {
  // Text, which Node.js sends with the head in one piece.
  const content = body ? JSON.stringify(body) : '';
  response.writeHead(status, {
    'Content-Type': CONTENT_TYPE,
    'Content-Length': Buffer.byteLength(content),
    'x-amzn-RequestId': randomUUID(),
  });
  response.end(content);
}

/** The rest of a body that is too large is read and dropped, so that the client gets to read the answer. */
export function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  return new Promise((resolve, reject) => {
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= BODY_LIMIT_BYTES) chunks.push(chunk);
    });
    request.on('end', () => {
      if (size > BODY_LIMIT_BYTES) reject(requestTooLarge(BODY_LIMIT_BYTES));
      else resolve(Buffer.concat(chunks).toString('utf8'));
    });
    request.on('error', reject);
  });
}

/** No part of the body is in the error: it may be a secret. */
function parseBody(body: string): unknown {
  try {
    return JSON.parse(body === '' ? '{}' : body);
  } catch {
    throw serializationFailure('The request body is not valid JSON.');
  }
}

function operationOf(request: IncomingMessage): string {
  return /^secretsmanager\.(\w+)$/.exec(String(request.headers['x-amz-target']))?.[1] ?? '';
}

/** @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-authentication-methods.html */
function credentialOf(request: IncomingMessage): Pick<ApiRequest, 'accessKeyId' | 'region'> {
  const [, accessKeyId = '', region] =
    /Credential=([^/,\s]+)\/\d+\/([^/,\s]+)\//.exec(request.headers.authorization ?? '') ?? [];
  return { accessKeyId, region };
}

function unexpected(cause: unknown): ServiceError {
  reportFault(cause);
  return internalFailure(cause instanceof StoreError ? cause.message : undefined);
}
