import { DamagedRow, StoreError } from './store/store-error.ts';

/** An error that the API answers. Messages that are known are AWS's own, because clients match on them. */
export class ServiceError extends Error {
  /** AWS's name of the error, such as `ResourceNotFoundException`. */
  readonly type: string;
  /** The HTTP status. */
  readonly status: number;

  constructor(type: string, message: string, status = 400) {
    super(message);
    this.name = 'ServiceError';
    this.type = type;
    this.status = status;
  }

  /**
   * The body of the answer. The service's own errors have `Message` with a capital letter, and those of AWS's framework
   * `message`. localstack's tests have recorded it (`test_no_client_request_token` in `test_secretsmanager.snapshot.json`).
   */
  get body(): object {
    return frameworkErrors.has(this.type)
      ? { __type: this.type, message: this.message }
      : { __type: this.type, Message: this.message };
  }

  /** The body of the answer in Lambda's protocol, which puts the type into a header. */
  get restBody(): object {
    return frameworkErrors.has(this.type)
      ? { message: this.message }
      : { Type: 'User', Message: this.message };
  }
}

/** Errors of AWS's framework, which every service shares. */
const frameworkErrors = new Set([
  'ExpiredTokenException',
  'IncompleteSignatureException',
  'InvalidSignatureException',
  'MissingAuthenticationTokenException',
  'RequestEntityTooLargeException',
  'SerializationException',
  'ThrottlingException',
  'UnknownOperationException',
  'UnrecognizedClientException',
  'ValidationException',
]);

export function resourceNotFound(what = 'secret.'): ServiceError {
  return new ServiceError('ResourceNotFoundException', `Secrets Manager can't find the specified ${what}`);
}

export function resourceExists(message: string): ServiceError {
  return new ServiceError('ResourceExistsException', message);
}

export function invalidParameter(message: string): ServiceError {
  return new ServiceError('InvalidParameterException', message);
}

export function invalidRequest(message: string): ServiceError {
  return new ServiceError('InvalidRequestException', message);
}

export function markedForDeletion(): ServiceError {
  return invalidRequest("You can't perform this operation on the secret because it was marked for deletion.");
}

/** A replica can only be changed through its primary. The words are moto's, and other projects' logs confirm them. */
export function notOnReplica(): ServiceError {
  return invalidParameter(
    "Operation not permitted on a replica secret. Call must be made in primary secret's region.",
  );
}

/** The words are our own. */
export function notOnCrossAccountReplica(): ServiceError {
  return invalidParameter(
    'Operation not permitted on a cross-account replica secret. Call StopReplicationToReplica first, or change the ' +
      'primary secret in the other account.',
  );
}

export function invalidNextToken(): ServiceError {
  return new ServiceError('InvalidNextTokenException', 'The NextToken value is invalid.');
}

export function invalidName(): ServiceError {
  return validationFailure(
    'Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!',
  );
}

export function limitExceeded(message: string): ServiceError {
  return new ServiceError('LimitExceededException', message);
}

export function validationFailure(message: string): ServiceError {
  return new ServiceError('ValidationException', message);
}

export function serializationFailure(message: string): ServiceError {
  return new ServiceError('SerializationException', message);
}

export function unknownOperation(status = 400): ServiceError {
  return new ServiceError('UnknownOperationException', 'The requested operation is not recognized.', status);
}

export function requestTooLarge(limitBytes: number): ServiceError {
  return new ServiceError(
    'RequestEntityTooLargeException',
    `Request must be smaller than ${limitBytes} bytes.`,
    413,
  );
}

export function functionNotInvocable(): ServiceError {
  return new ServiceError(
    'AccessDeniedException',
    'Secrets Manager cannot invoke the specified Lambda function. Ensure that the function policy grants access to ' +
      'the principal secretsmanager.amazonaws.com.',
  );
}

export function accessDenied(message: string): ServiceError {
  return new ServiceError('AccessDeniedException', message);
}

export function unrecognizedClient(): ServiceError {
  return new ServiceError(
    'UnrecognizedClientException',
    'The security token included in the request is invalid.',
  );
}

export function expiredToken(): ServiceError {
  return new ServiceError('ExpiredTokenException', 'The security token included in the request is expired');
}

export function missingAuthenticationToken(): ServiceError {
  return new ServiceError('MissingAuthenticationTokenException', 'Missing Authentication Token');
}

export function invalidSignature(message: string): ServiceError {
  return new ServiceError('InvalidSignatureException', message);
}

/** AWS's own message also says what is missing and quotes the header. */
export function incompleteSignature(): ServiceError {
  return new ServiceError(
    'IncompleteSignatureException',
    'The request signature does not conform to AWS standards.',
  );
}

export function internalFailure(message = 'An error occurred on the server side.'): ServiceError {
  return new ServiceError('InternalServiceError', message, 500);
}

/**
 * Reports a fault of the server on its standard error. Clients only get a general error, or what to do. The message of a
 * JavaScript error can quote a secret, so only its name and its stack are shown. A StoreError says what to do, so its message
 * is enough.
 */
export function reportFault(cause: unknown): void {
  process.emitWarning(`The local Secrets Manager failed: ${describeFault(cause)}`);
}

function describeFault(cause: unknown): string {
  if (!(cause instanceof Error)) return 'something was thrown that is no error';
  if (cause instanceof StoreError) return cause.message;
  // Messages of SQLite and the system name files and constraints. Those of Node.js's functions quote arguments.
  const isHarmless = /^(?:ERR_SQLITE_ERROR|E[A-Z0-9]+)$/.test(String(Reflect.get(cause, 'code')));
  if (isHarmless || cause instanceof DamagedRow) return String(cause.stack);
  const frames = String(cause.stack)
    .split('\n')
    .filter((line) => /^ {4}at /.test(line));
  return [cause.name, ...frames].join('\n');
}
