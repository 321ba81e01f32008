import { AdapterError, type ErrorCode } from '../../src/rotator/index.ts';
import { codesOf, isCertificateCode, isNetworkCode } from '../network.ts';

/** A failed call. The message has the answer's status, and nothing else of the request or the answer. `said` is the server's own reason. */
export class ApiFailure extends AdapterError {
  readonly code: ErrorCode;
  constructor(
    code: ErrorCode,
    message: string,
    details: { readonly cause?: unknown; readonly said?: string | undefined } = {},
  ) {
    super(message, details);
    this.name = 'ApiFailure';
    this.code = code;
  }
}

/** The error code of a thrown error, for rotators that call APIs; undefined for an error that is no ApiFailure. */
export function classify(error: unknown): ErrorCode | undefined {
  return error instanceof ApiFailure ? error.code : undefined;
}

/** The failure of a call without a complete answer. */
export function networkFailure(name: string, error: unknown): ApiFailure {
  const codes = codesOf(error);
  const rejected = codes.find(isCertificateCode);
  if (rejected !== undefined) {
    return new ApiFailure('CertificateRejected', `${name}: ${rejected}`, { cause: error });
  }
  const said = codes.find(isNetworkCode) ?? 'the connection broke';
  return new ApiFailure('TargetUnreachable', `${name} got no whole answer: ${said}`, { cause: error });
}

/**
 * The error code for a status that is neither a success nor a refusal. 502 and 504 mean that a gateway did not reach
 * the API.
 */
export function codeOfStatus(status: number): ErrorCode {
  return status === 502 || status === 504 ? 'TargetUnreachable' : 'TargetFailed';
}
