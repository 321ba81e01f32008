import { isUtf8 } from 'node:buffer';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { reportFault, requestTooLarge, type ServiceError, serializationFailure } from '../errors.ts';
import type { Admission } from './admission.ts';

/** Ten times the longest secret value leaves room for its escapes in JSON, and for everything around it. */
const bodyLimitBytes = 1_048_576;

/** An answer that is ready to be sent. */
export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly content: string | Buffer;
}

/** One of the protocols that the server speaks. */
export interface Protocol {
  /** Whether a request is one of this protocol. */
  speaks(request: IncomingMessage): boolean;
  /** Answers a request, also one that makes no sense. Rejects only when there is nobody to answer to. */
  answer(request: IncomingMessage): Promise<Reply>;
  /** Tells why a request is not answered. */
  refuse(request: IncomingMessage, error: ServiceError): Reply;
}

/**
 * An HTTP server that answers each request in the first of the protocols that speaks it. Nothing that a request
 * brings about ends the process.
 */
export function createApiServer(protocols: readonly [...Protocol[], Protocol], admission: Admission): Server {
  return createServer((request, response) => {
    // What a client that hung up can't be told any more.
    response.on('error', () => {});
    void serve(request, response, protocols, admission);
  });
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  protocols: readonly Protocol[],
  admission: Admission,
): Promise<void> {
  try {
    const { status, headers, content } = await replyTo(request, protocols, admission);
    // Text, which Node.js sends with the head in one piece.
    response
      .writeHead(status, {
        ...headers,
        ...safeHeaders,
        ...admission.headersFor(request),
        ...lengthOf(status, content),
      })
      .end(content);
  } catch (cause) {
    if (!hungUp(request) && !(cause instanceof ConnectionCut)) reportFault(cause);
    response.destroy();
  }
}

/** What a browser is to make of an answer: nothing but what it says it is. */
const safeHeaders = { 'X-Content-Type-Options': 'nosniff' };

async function replyTo(
  request: IncomingMessage,
  protocols: readonly Protocol[],
  admission: Admission,
): Promise<Reply> {
  const protocol = protocols.find(({ speaks }) => speaks(request));
  if (!protocol) throw new Error('No protocol answers the request');
  const refusal = admission.refusalOf(request);
  if (refusal) return protocol.refuse(request, refusal);
  if (admission.isPreflight(request)) return { status: 204, headers: {}, content: '' };
  return await protocol.answer(request);
}

function lengthOf(status: number, content: string | Buffer): Record<string, number> {
  return status === 204 ? {} : { 'Content-Length': Buffer.byteLength(content) };
}

/** Thrown to cut the connection instead of answering. The message says what for. */
export class ConnectionCut extends Error {
  override readonly name = 'ConnectionCut';
}

/** Whether the client went away before all of its request had come. Such a request is answered by nobody. */
export function hungUp(request: IncomingMessage): boolean {
  return request.destroyed && !request.complete;
}

/**
 * The body as text. The rest of a body that is too large is read and dropped, so that the client gets to read the
 * answer.
 * @throws ServiceError RequestEntityTooLargeException, and SerializationException for what is not UTF-8: the text
 * would not be what was signed, and a value would not be what was sent
 */
export function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  return new Promise((resolve, reject) => {
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= bodyLimitBytes) chunks.push(chunk);
    });
    request.on('end', () => {
      if (size > bodyLimitBytes) return reject(requestTooLarge(bodyLimitBytes));
      const body = Buffer.concat(chunks);
      if (isUtf8(body)) resolve(body.toString('utf8'));
      else reject(serializationFailure('The request body is not valid UTF-8.'));
    });
    request.on('error', reject);
  });
}

/** The path of a request without its query, as it was sent. */
export function pathOf(request: IncomingMessage): string {
  return (request.url ?? '').replace(/\?.*$/s, '');
}

/** The media type of a request's body, without parameters; undefined when there is none. */
export function mediaTypeOf(request: IncomingMessage): string | undefined {
  return request.headers['content-type']?.replace(/;.*$/s, '').trim().toLowerCase();
}

/** What a signature says of who made it, and what for. */
export interface Credential {
  /** Empty when nothing signed the request. */
  readonly accessKeyId: string;
  readonly region: string | undefined;
  /** Such as `secretsmanager`. */
  readonly service: string | undefined;
}

/** @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-authentication-methods.html */
export function credentialOf({ headers }: IncomingMessage): Credential {
  // Signatures of version 4A are for no region.
  const [, accessKeyId = '', region, service] =
    /Credential=([^/,\s]+)\/\d+\/(?:([^/,\s]+)\/)?([^/,\s]+)\/aws4_request/.exec(
      headers.authorization ?? '',
    ) ?? [];
  return { accessKeyId, region, service };
}
