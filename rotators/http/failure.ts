import { AdapterError, type ErrorCode } from '../../src/rotator/index.ts';

/** What went wrong in a call. Its message says nothing of what was sent or answered but the status. */
export class ApiFailure extends AdapterError {
  readonly code: ErrorCode;
  constructor(code: ErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'ApiFailure';
    this.code = code;
  }
}

/** What a thrown error means, for rotators that call APIs. */
export function classify(error: unknown): ErrorCode | undefined {
  return error instanceof ApiFailure ? error.code : undefined;
}

const certificate = /^(CERT_|ERR_TLS_CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|ERR_SSL_)/;

/** The failure of a call that was given no whole answer. undici hides Node.js's error in `cause`. */
export function lostCall(name: string, error: unknown): ApiFailure {
  const cause: unknown = error instanceof Error ? (error.cause ?? error) : error;
  const code: unknown = typeof cause === 'object' && cause !== null ? Reflect.get(cause, 'code') : undefined;
  const said = typeof code === 'string' ? code : 'the connection broke';
  return certificate.test(said)
    ? new ApiFailure('CertificateRejected', `${name}: ${said}`, error)
    : new ApiFailure('TargetUnreachable', `${name} got no whole answer: ${said}`, error);
}
