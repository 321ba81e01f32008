import { type ErrorCode, isKeyturnError, KeyturnError, messageOf } from '../errors.ts';

const codeByName: Readonly<Record<string, ErrorCode>> = {
  ThrottlingException: 'Throttled',
  TooManyRequestsException: 'Throttled',
  AccessDeniedException: 'AccessDenied',
  AccessDenied: 'AccessDenied',
  DecryptionFailure: 'AccessDenied',
  EncryptionFailure: 'AccessDenied',
  UnrecognizedClientException: 'AccessDenied',
  ExpiredTokenException: 'AccessDenied',
  CredentialsProviderError: 'AccessDenied',
};

const remedyByCode: Partial<Record<ErrorCode, string>> = {
  Throttled: 'Secrets Manager will retry the rotation; spread schedules if this repeats.',
  AccessDenied: "Grant the function's role this action on the secret, and the use of its KMS key.",
  SecretNotFound: 'Check the ARN, and that the secret is not scheduled for deletion.',
  SecretHasNoValue: 'Store a value and rotate again.',
};

function codeOf(error: unknown): ErrorCode {
  if (!(error instanceof Error)) return 'SecretsManagerFailed';
  if (error.name === 'ResourceNotFoundException') {
    // AWS has one error for both; this wording of the second is the only difference.
    return error.message.includes('secret value') ? 'SecretHasNoValue' : 'SecretNotFound';
  }
  return codeByName[error.name] ?? 'SecretsManagerFailed';
}

/** Keyturn's error for one that the AWS SDK threw during `activity` (operation and secret, no value). */
export function explainAwsError(error: unknown, activity: string): KeyturnError {
  if (isKeyturnError(error)) return error;
  const code = codeOf(error);
  const remedy =
    remedyByCode[code] ?? 'Check the endpoint and the network; Secrets Manager will retry the rotation.';
  // The parser of an answer that was cut off quotes what it has read, which may be a secret's value.
  if (error instanceof SyntaxError) {
    return new KeyturnError(code, `${activity} failed: the answer is not whole, or no JSON.`, remedy);
  }
  const name = error instanceof Error ? error.name : 'Error';
  return new KeyturnError(
    code,
    `${activity} failed: ${name}: ${messageOf(error)}`.replace(/\.?$/, '.'),
    remedy,
    {
      cause: error,
    },
  );
}

/** Whether AWS has definitely not done what was asked, by a Keyturn error that {@link explainAwsError} made. */
export function wasRefused(error: unknown): boolean {
  if (!isKeyturnError(error) || error.code === 'Throttled') return false;
  const { cause } = error;
  return cause instanceof Error && Reflect.get(cause, '$fault') === 'client';
}
