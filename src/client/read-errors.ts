import { type ErrorCode, isKeyturnError, KeyturnError, messageOf } from '../errors.ts';
import type { ReadAnswer } from './source.ts';

/** AWS's answer to GetSecretValue, which the extension and the agent pass on. */
export interface GetSecretValueAnswer {
  readonly ARN?: string | undefined;
  readonly VersionId?: string | undefined;
  readonly SecretString?: string | undefined;
  readonly SecretBinary?: unknown;
}

/** Reads AWS's answer for the cache. @throws SecretIsBinary, SecretHasNoValue */
export function readAnswer(
  secretId: string,
  {
    ARN: arn = secretId,
    VersionId: versionId,
    SecretString: text,
    SecretBinary: binary,
  }: GetSecretValueAnswer,
): ReadAnswer {
  if (typeof text === 'string' && versionId !== undefined) return { arn, versionId, text };
  const [code, problem] =
    binary === undefined || binary === null
      ? (['SecretHasNoValue', 'has no value'] as const)
      : (['SecretIsBinary', 'is binary'] as const);
  throw new KeyturnError(code, `The value of ${secretId} ${problem}.`, 'Store it as SecretString.');
}

const remedies: Partial<Record<ErrorCode, string>> = {
  SecretNotFound: 'Check its name, region and account.',
  SecretHasNoValue: 'Store a value.',
  SecretMarkedForDeletion: 'Restore it with RestoreSecret, or read another secret.',
  AccessDenied:
    'Allow secretsmanager:GetSecretValue on it, and kms:Decrypt on its key; check that there are credentials.',
  Throttled: 'Read it less often.',
  SecretsManagerFailed: 'Check the endpoint and the network.',
};

function codeOf(name: string, message: string): ErrorCode {
  if (name === 'ResourceNotFoundException') {
    // AWS has one error for both. Only the message tells that the version is missing.
    return message.includes('secret value') ? 'SecretHasNoValue' : 'SecretNotFound';
  }
  if (name === 'InvalidRequestException' && /marked for deletion|scheduled for deletion/.test(message)) {
    return 'SecretMarkedForDeletion';
  }
  if (/Throttl|TooManyRequests/.test(name)) return 'Throttled';
  if (/^(AccessDenied|DecryptionFailure|UnrecognizedClient|ExpiredToken|CredentialsProvider)/.test(name)) {
    return 'AccessDenied';
  }
  return 'SecretsManagerFailed';
}

/** Makes the typed error of anything that a source has thrown. It holds no secret value. */
export function explainReadError(error: unknown, secretId: string): KeyturnError {
  if (isKeyturnError(error)) return error;
  if (error instanceof SyntaxError) {
    // Not passed on as the cause: it quotes the answer, which may be the value, and so do hidden members of the SDK's.
    const problem = `${secretId} could not be read: the answer is no JSON.`;
    return new KeyturnError(
      'SecretsManagerFailed',
      problem,
      'Check what is between here and Secrets Manager.',
    );
  }
  const name = error instanceof Error ? error.name : 'Error';
  const message = messageOf(error);
  const code = codeOf(name, message);
  const problem = `${secretId} could not be read: ${name}: ${message}`.replace(/\.?$/, '.');
  return new KeyturnError(code, problem, remedies[code] ?? 'Try again.', { cause: error });
}

/**
 * Whether an error is Secrets Manager's answer about the secret, instead of a failure to answer. Then `maxStale` doesn't
 * apply to the earlier value.
 */
export function isAnswerAboutSecret(error: KeyturnError): boolean {
  const { code, cause } = error;
  if (code === 'AccessDenied') return cause instanceof Error && cause.name.startsWith('AccessDenied');
  return /^Secret(NotFound|HasNoValue|IsBinary|MarkedForDeletion)$/.test(code);
}
