import { createHash, createHmac, type Hash, type Hmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { incompleteSignature, invalidSignature, missingAuthenticationToken } from '../errors.ts';

/** The services whose signatures are checked, by their names in signatures. */
export type SignedService = 'secretsmanager' | 'lambda' | 'sts';

const skewMs = 15 * 60_000;
const checksumHeader = 'x-amz-content-sha256';
const authorizationPattern =
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
  readonly service: SignedService;
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
export function readAuthorization(
  { headers }: SignedRequest,
  service: SignedService,
  nowMs: number,
): Authorization {
  const text = headers.authorization;
  if (text === undefined) throw missingAuthenticationToken();
  const [, accessKeyId, day, region, signedFor, names, signature] = authorizationPattern.exec(text) ?? [];
  const date = headers['x-amz-date'];
  if (!accessKeyId || !region || !names || !signature || typeof date !== 'string') {
    throw incompleteSignature();
  }
  if (signedFor !== service)
    throw invalidSignature(`Credential should be scoped to correct service: '${service}'. `);
  if (!date.startsWith(`${day}T`)) throw incompleteSignature();
  const signedHeaders = names.split(';');
  checkSignedHeaders(headers, signedHeaders);
  checkSkew(date, nowMs);
  return { service, accessKeyId, region, date, signedHeaders, signature };
}

/**
 * AWS demands that the signature covers the host and all of AWS's own headers, such as X-Amz-Target, which names the
 * operation. A header that isn't signed may have been changed on the way.
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
function checkSignedHeaders(headers: IncomingHttpHeaders, signedHeaders: readonly string[]): void {
  const isSigned = (name: string) => signedHeaders.includes(name);
  if (!isSigned('host')) {
    throw invalidSignature(`'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.`);
  }
  const unsigned = Object.keys(headers).find((name) => name.startsWith('x-amz-') && !isSigned(name));
  if (unsigned) throw invalidSignature(`'${unsigned}' must be a 'SignedHeader' in the AWS Authorization.`);
}

function checkSkew(date: string, nowMs: number): void {
  const signedMs = millisecondsOf(date);
  if (Number.isNaN(signedMs)) throw incompleteSignature();
  const now = basicDate(nowMs);
  if (signedMs < nowMs - skewMs) {
    const oldest = basicDate(nowMs - skewMs);
    throw invalidSignature(`Signature expired: ${date} is now earlier than ${oldest} (${now} - 15 min.)`);
  }
  if (signedMs > nowMs + skewMs) {
    const newest = basicDate(nowMs + skewMs);
    throw invalidSignature(
      `Signature not yet current: ${date} is still later than ${newest} (${now} + 15 min.)`,
    );
  }
}

function millisecondsOf(date: string): number {
  const parts = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(date);
  if (!parts) return Number.NaN;
  const [, year, month, day, hour, minute, second] = parts;
  return Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
}

function basicDate(ms: number): string {
  return new Date(ms).toISOString().replace(/[-:]|\.\d+/g, '');
}

/**
 * Signs the request anew with the secret key, and compares the signatures.
 * @throws ServiceError InvalidSignatureException
 */
export async function verifySignature(
  request: SignedRequest,
  authorization: Authorization,
  secretAccessKey: string,
): Promise<void> {
  const { service, accessKeyId, region, date, signedHeaders } = authorization;
  const { SignatureV4 } = await import('@smithy/signature-v4');
  const signer = new SignatureV4({
    credentials: { accessKeyId, secretAccessKey },
    region,
    service,
    sha256: Sha256,
    // toSign leaves the client's own checksum out, so that the signer computes it from the body.
    applyChecksum: signedHeaders.includes(checksumHeader),
  });
  const signed = await signer.sign(toSign(request, signedHeaders), {
    signingDate: new Date(millisecondsOf(date)),
    signableHeaders: new Set(signedHeaders),
  });
  const expected = /Signature=([0-9a-f]+)$/.exec(signed.headers.authorization ?? '')?.[1] ?? '';
  const [ours, theirs] = [Buffer.from(expected), Buffer.from(authorization.signature)];
  if (ours.length === theirs.length && timingSafeEqual(ours, theirs)) return;
  throw invalidSignature(
    'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key ' +
      'and signing method. Consult the service documentation for details.',
  );
}

function toSign({ method, target, headers, body }: SignedRequest, signedHeaders: readonly string[]) {
  // The path as it was sent. URL would resolve dots in it.
  const [path = '', search = ''] = target.split(/\?(.*)/s);
  const signed = signedHeaders
    .filter((name) => name !== checksumHeader)
    .map((name): [string, string] => [name, String(headers[name] ?? '')]);
  return {
    method,
    protocol: 'http:',
    hostname: 'localhost',
    path,
    query: queryOf(search),
    headers: Object.fromEntries(signed),
    body,
  };
}

/** The query's parameters, each with all of its values. */
function queryOf(search: string): Record<string, string[]> {
  const params = new URLSearchParams(search);
  return Object.fromEntries([...params.keys()].map((name) => [name, params.getAll(name)]));
}

/** The hash that the signer needs. With a secret it is an HMAC. */
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
