import { isUtf8 } from 'node:buffer';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { reportFault, requestTooLarge, type ServiceError, serializationFailure } from '../errors.ts';
import type { Admission } from './admission.ts';

/** More than ten times the longest secret value: escapes in JSON and the other members need room. */
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
  /** Answers a request, also a malformed one. Rejects only if the client is gone or its connection is to be cut. */
  answer(request: IncomingMessage): Promise<Reply>;
  /** The answer to a request that is not served. */
  refuse(request: IncomingMessage, error: ServiceError): Reply;
}

/**
 * An HTTP server. The first protocol that a request belongs to answers it. No request can end the process.
 */
export function createApiServer(protocols: readonly [...Protocol[], Protocol], admission: Admission): Server {
  return createServer((request, response) => {
    // The client has hung up, so nobody can be told.
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

/** Keeps browsers from guessing another content type. */
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

/** Thrown to cut the connection instead of answering. The message says why. */
export class ConnectionCut extends Error {
  override readonly name = 'ConnectionCut';
}

/** Whether the client went away before it had sent the whole request. Such a request gets no answer. */
export function hungUp(request: IncomingMessage): boolean {
  return request.destroyed && !request.complete;
}

/**
 * The body as text. A body that is too large is still read to its end, so that the client can read the answer.
 * @throws ServiceError RequestEntityTooLargeException
 * @throws ServiceError SerializationException for a body that is not UTF-8. As text it would differ from what was sent and
 * signed.
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

/** The media type of a request's body, without parameters. Undefined if none is named. */
export function mediaTypeOf(request: IncomingMessage): string | undefined {
  return request.headers['content-type']?.replace(/;.*$/s, '').trim().toLowerCase();
}

/** What a signature says of its maker and its purpose. */
export interface Credential {
  /** Empty if the request wasn't signed. */
  readonly accessKeyId: string;
  readonly region: string | undefined;
  /** Such as `secretsmanager`. */
  readonly service: string | undefined;
}

/** @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-authentication-methods.html */
export function credentialOf({ headers }: IncomingMessage): Credential {
  // Signatures of version 4A name no region.
  const [, accessKeyId = '', region, service] =
    /Credential=([^/,\s]+)\/\d+\/(?:([^/,\s]+)\/)?([^/,\s]+)\/aws4_request/.exec(
      headers.authorization ?? '',
    ) ?? [];
  return { accessKeyId, region, service };
}
