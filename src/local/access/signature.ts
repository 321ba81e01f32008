import { createHash, createHmac, type Hash, type Hmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { incompleteSignature, invalidSignature, missingAuthenticationToken } from '../errors.ts';

const SERVICE = 'secretsmanager';
const SKEW_MS = 15 * 60_000;
const CHECKSUM = 'x-amz-content-sha256';
const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 +Credential=([^/,\s]+)\/(\d{8})\/([^/,\s]+)\/([^/,\s]+)\/aws4_request, *SignedHeaders=([^,\s]+), *Signature=([0-9a-f]{64})$/;

/** A request as it came. */
export interface SignedRequest {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** What an Authorization header holds. */
export interface Authorization {
  readonly accessKeyId: string;
  readonly region: string;
  /** YYYYMMDDTHHMMSSZ */
  readonly date: string;
  readonly signedHeaders: readonly string[];
  readonly signature: string;
}

/**
 * Reads how a request was signed. The words of its errors are those of AWS.
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html
 * @throws ServiceError MissingAuthenticationTokenException, IncompleteSignatureException, InvalidSignatureException
 */
export function readAuthorization({ headers }: SignedRequest, nowMs: number): Authorization {
  const text = headers.authorization;
  if (text === undefined) throw missingAuthenticationToken();
  const [, accessKeyId, day, region, service, names, signature] = AUTHORIZATION.exec(text) ?? [];
  const date = headers['x-amz-date'];
  if (!accessKeyId || !region || !names || !signature || typeof date !== 'string') {
    throw incompleteSignature();
  }
  if (service !== SERVICE)
    throw invalidSignature(`Credential should be scoped to correct service: '${SERVICE}'. `);
  const signedHeaders = names.split(';');
  if (!signedHeaders.includes('host') || !date.startsWith(`${day}T`)) throw incompleteSignature();
  checkSkew(date, nowMs);
  return { accessKeyId, region, date, signedHeaders, signature };
}

function checkSkew(date: string, nowMs: number): void {
  const signedMs = millisecondsOf(date);
  if (Number.isNaN(signedMs)) throw incompleteSignature();
  const now = basicDate(nowMs);
  if (signedMs < nowMs - SKEW_MS) {
    const oldest = basicDate(nowMs - SKEW_MS);
    throw invalidSignature(`Signature expired: ${date} is now earlier than ${oldest} (${now} - 15 min.)`);
  }
  if (signedMs > nowMs + SKEW_MS) {
    const newest = basicDate(nowMs + SKEW_MS);
    throw invalidSignature(
      `Signature not yet current: ${date} is still later than ${newest} (${now} + 15 min.)`,
    );
  }
}

function millisecondsOf(date: string): number {
  return Date.parse(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
}

function basicDate(ms: number): string {
  return new Date(ms).toISOString().replace(/[-:]|\.\d+/g, '');
}

/**
 * Signs the request anew with the secret key, and compares.
 * @throws ServiceError InvalidSignatureException
 */
export async function verifySignature(
  request: SignedRequest,
  authorization: Authorization,
  secretAccessKey: string,
): Promise<void> {
  const { accessKeyId, region, date, signedHeaders } = authorization;
  const { SignatureV4 } = await import('@smithy/signature-v4');
  const signer = new SignatureV4({
    credentials: { accessKeyId, secretAccessKey },
    region,
    service: SERVICE,
    sha256: Sha256,
    // The client's own checksum is left out below, so that the body is what counts.
    applyChecksum: signedHeaders.includes(CHECKSUM),
  });
  const signed = await signer.sign(toSign(request, signedHeaders), {
    signingDate: new Date(millisecondsOf(date)),
    signableHeaders: new Set(signedHeaders),
  });
  const expected = /Signature=([0-9a-f]+)$/.exec(signed.headers.authorization ?? '')?.[1] ?? '';
  if (timingSafeEqual(Buffer.from(expected), Buffer.from(authorization.signature))) return;
  throw invalidSignature(
    'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key ' +
      'and signing method. Consult the service documentation for details.',
  );
}

function toSign({ method, target, headers, body }: SignedRequest, signedHeaders: readonly string[]) {
  const { pathname, searchParams } = new URL(target, 'http://localhost');
  const signed = signedHeaders
    .filter((name) => name !== CHECKSUM)
    .map((name): [string, string] => [name, String(headers[name] ?? '')]);
  return {
    method,
    protocol: 'http:',
    hostname: 'localhost',
    path: pathname,
    query: Object.fromEntries(searchParams),
    headers: Object.fromEntries(signed),
    body,
  };
}

/** The hash that the signer asks for: with a secret, an HMAC. */
export class Sha256 {
  private readonly hash: Hash | Hmac;

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.hash =
      secret === undefined
        ? createHash('sha256')
        : createHmac('sha256', typeof secret === 'string' ? secret : bytes(secret));
  }

  update(data: Uint8Array): void {
    this.hash.update(data);
  }

  async digest(): Promise<Uint8Array> {
    return this.hash.digest();
  }

  reset(): void {
    throw new Error('The signer does not reset a hash.');
  }
}

function bytes(data: ArrayBuffer | ArrayBufferView): Uint8Array {
  return data instanceof ArrayBuffer
    ? new Uint8Array(data)
    : new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
