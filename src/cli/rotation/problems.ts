import { type ErrorCode, isKeyturnError, KeyturnError, messageOf } from '../../errors.ts';

/** A call of AWS, for the words of its error. */
export interface Call {
  /** The permission that it needs, such as `secretsmanager:RotateSecret`. */
  readonly action: string;
  /** The secret or the function that it is about. */
  readonly resource: string;
}

interface Meaning {
  readonly code: ErrorCode;
  readonly problem: string;
  readonly remedy: string;
}

const badCredentials = new Set([
  'ExpiredToken',
  'ExpiredTokenException',
  'InvalidClientTokenId',
  'InvalidSignatureException',
  'UnrecognizedClientException',
]);

/** Keyturn's error for one of the AWS SDK, in words for whoever sits at the terminal. */
export function explain(error: unknown, call: Call): KeyturnError {
  if (isKeyturnError(error)) return error;
  const { code, problem, remedy } = meaningOf(error, call);
  return new KeyturnError(code, problem, remedy, { cause: error });
}

function meaningOf(error: unknown, { action, resource }: Call): Meaning {
  const name = error instanceof Error ? error.name : '';
  const message = messageOf(error);
  if (name === 'CredentialsProviderError') {
    return {
      code: 'AccessDenied',
      problem: `No AWS credentials were found: ${sentence(message)}`,
      remedy: 'Set AWS_PROFILE or log in (aws sso login); for a local Secrets Manager give --endpoint.',
    };
  }
  if (/region is missing/i.test(message)) {
    return {
      code: 'InvalidConfiguration',
      problem: 'No region is set.',
      remedy: 'Give --region, set AWS_REGION, or name the secret by its ARN.',
    };
  }
  if (badCredentials.has(name)) {
    return {
      code: 'AccessDenied',
      problem: `AWS does not take the credentials: ${sentence(message)}`,
      remedy: 'Log in anew (aws sso login), or correct AWS_PROFILE and the AWS_ variables.',
    };
  }
  return serviceMeaning(name, message, { action, resource });
}

function serviceMeaning(name: string, message: string, { action, resource }: Call): Meaning {
  const failed = `${action} of ${resource} failed: ${sentence(message || name)}`;
  switch (name) {
    case 'AccessDeniedException':
    case 'AccessDenied':
      // Secrets Manager says so of the function, and of nobody else's rights.
      if (message.includes('cannot invoke')) {
        return { code: 'FunctionUnusable', problem: failed, remedy: 'Correct what the message names.' };
      }
      return { code: 'AccessDenied', problem: failed, remedy: `Have ${action} allowed to you.` };
    case 'ResourceNotFoundException':
      return {
        code: message.includes('secret value') ? 'SecretHasNoValue' : 'SecretNotFound',
        problem: failed,
        remedy: 'Check the name, the region (--region) and the account.',
      };
    case 'ThrottlingException':
    case 'TooManyRequestsException':
      return { code: 'Throttled', problem: failed, remedy: 'Try again in a while.' };
    default:
      return {
        code: 'SecretsManagerFailed',
        problem: `${action} of ${resource} failed: ${name}: ${sentence(message)}`,
        remedy: remedyFor(name, message),
      };
  }
}

function remedyFor(name: string, message: string): string {
  const unreachable = /ECONNREFUSED|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|ECONNRESET|TimeoutError/;
  if (unreachable.test(`${name} ${message}`))
    return 'Nobody answers there: check --endpoint, --region and the network.';
  return 'Correct what the message names, and try again.';
}

function sentence(text: string): string {
  return text.replace(/[.\s]*$/, '.');
}
