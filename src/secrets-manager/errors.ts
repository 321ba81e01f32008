import { stepFor } from '../doctor/causes.ts';
import { type ErrorCode, isKeyturnError, KeyturnError, messageOf } from '../errors.ts';
import { shellWord } from '../shell-word.ts';

/** A call of AWS, for the words of its error. */
export interface Call {
  /** The permission that it needs, such as `secretsmanager:RotateSecret`. */
  readonly action: string;
  /** The secret or the function that it is about. */
  readonly resource: string;
}

/** Who reads an error: whoever runs the rotation function, or a person who sits at a terminal. */
export type Reader = 'operator' | 'person';

const badCredentials = new Set([
  'ExpiredToken',
  'ExpiredTokenException',
  'InvalidClientTokenId',
  'InvalidSignatureException',
  'UnrecognizedClientException',
]);
const throttled = new Set(['ThrottlingException', 'TooManyRequestsException']);
const denied = new Set(['AccessDeniedException', 'AccessDenied']);
/** What Node.js and the SDK say if there is no connection, as the error's code or in its message. */
const unreachable = /\b(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|ECONNRESET|EHOSTUNREACH|ENETUNREACH)\b/;
/** The same if nothing answers within the time for a connection. */
const unanswered = /\b(ETIMEDOUT|TimeoutError)\b/;

interface Meaning {
  readonly code: ErrorCode;
  /** Default: what the service said. */
  readonly problem?: string;
  readonly remedy: Readonly<Record<Reader, string>>;
}

/** Keyturn's error for one that the AWS SDK threw; it holds no value. */
export function explainAwsError(error: unknown, call: Call, reader: Reader): KeyturnError {
  if (isKeyturnError(error)) return error;
  if (error instanceof Error && unanswered.test(`${error.name} ${codeOf(error)}`))
    return noAnswer(call, error);
  const { code, problem, remedy } = meaningOf(error, call);
  const operation = `${call.action} of ${call.resource} failed`;
  // The parser of an answer that was cut off quotes what it has read, which may be a secret's value.
  if (error instanceof SyntaxError) {
    return new KeyturnError(code, `${operation}: the answer is not whole, or no JSON.`, remedy[reader]);
  }
  const name = error instanceof Error ? error.name : 'Error';
  const message = problem ?? `${operation}: ${name}: ${sentence(messageOf(error))}`;
  return new KeyturnError(code, message, remedy[reader], { cause: error });
}

function meaningOf(error: unknown, { action, resource }: Call): Meaning {
  const name = error instanceof Error ? error.name : '';
  const message = messageOf(error);
  const keyUnusable = (how: string, permission: string): Meaning => ({
    code: 'AccessDenied',
    problem: `The value of ${resource} can't be ${how} (${action}): ${name}: ${sentence(message)}`,
    remedy: {
      operator: `Grant the function's role ${permission} under the secret's key, by its policy and by the key policy.`,
      person: `Have ${permission} allowed to you under its key, by your policy and by the key policy.`,
    },
  });
  if (name === 'CredentialsProviderError') return noCredentials(message);
  if (/region is missing/i.test(message)) {
    return {
      code: 'InvalidConfiguration',
      problem: 'No region is set.',
      remedy: {
        operator:
          'Set AWS_REGION, or give createRotationHandler a client with a region. Lambda sets AWS_REGION itself.',
        person: 'Give --region, set AWS_REGION, or name the secret by its ARN.',
      },
    };
  }
  if (badCredentials.has(name)) {
    return both(
      'AccessDenied',
      'Log in anew (aws sso login), or correct AWS_PROFILE and the AWS_ variables.',
      `AWS does not take the credentials: ${sentence(message)}`,
    );
  }
  if (name === 'EncryptionFailure') return keyUnusable('encrypted', 'kms:GenerateDataKey');
  if (name === 'DecryptionFailure' || (denied.has(name) && /\bKMS\b/.test(message))) {
    return keyUnusable('decrypted', 'kms:Decrypt');
  }
  if (denied.has(name)) return accessDenied(message, action);
  if (throttled.has(name)) {
    return {
      code: 'Throttled',
      remedy: { operator: stepFor('Throttled'), person: 'Try again in a while.' },
    };
  }
  if (name === 'InvalidRequestException' && /marked for deletion|scheduled for deletion/.test(message)) {
    return both(
      'SecretMarkedForDeletion',
      `Restore it, or remove what refers to it: aws secretsmanager restore-secret --secret-id ${shellWord(resource)}`,
      `Secret ${resource} is marked for deletion.`,
    );
  }
  if (name === 'ResourceNotFoundException') return notFound(message);
  const isUnreachable = unreachable.test(`${name} ${codeOf(error)} ${message}`);
  return {
    code: isUnreachable ? 'SecretsManagerUnreachable' : 'SecretsManagerFailed',
    remedy: {
      operator:
        error instanceof Error && '$fault' in error
          ? 'Correct what the message names; Secrets Manager will retry the rotation.'
          : stepFor(isUnreachable ? 'SecretsManagerUnreachable' : 'SecretsManagerFailed'),
      person: isUnreachable
        ? 'Nobody answers there: check --endpoint, --region and the network.'
        : 'Correct what the message names, and try again.',
    },
  };
}

function codeOf(error: unknown): string {
  return error instanceof Error ? String(Reflect.get(error, 'code') ?? '') : '';
}

/** @see https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html */
function noCredentials(message: string): Meaning {
  const profile = /profile:? \[?([^\s\]]+)\]?/i.exec(message)?.[1];
  const problem = `No AWS credentials were found: ${sentence(message)}`;
  return both(
    'AccessDenied',
    profile === undefined
      ? 'Set AWS_PROFILE or log in (aws sso login); for a local Secrets Manager give --endpoint.'
      : `Correct the profile's name, or configure it: aws configure --profile ${shellWord(profile)}`,
    problem,
  );
}

function accessDenied(message: string, action: string): Meaning {
  // Secrets Manager says this about the rotation function, not about the caller's rights.
  if (message.includes('cannot invoke')) return both('FunctionUnusable', 'Correct what the message names.');
  return {
    code: 'AccessDenied',
    remedy: {
      operator: stepFor('AccessDenied'),
      person: `Have ${action} allowed to you.`,
    },
  };
}

/** AWS has one error for a secret and for a version that isn't there; the wording is the only difference. */
function notFound(message: string): Meaning {
  if (message.includes('secret value')) {
    return {
      code: 'SecretHasNoValue',
      remedy: {
        operator: stepFor('SecretHasNoValue'),
        person: 'Check the version or the label: keyturn status tells which there are.',
      },
    };
  }
  return {
    code: 'SecretNotFound',
    remedy: {
      operator: stepFor('SecretNotFound'),
      person: 'Check the name, the region (--region) and the account.',
    },
  };
}

function both(code: ErrorCode, remedy: string, problem?: string): Meaning {
  return {
    code,
    ...(problem === undefined ? {} : { problem }),
    remedy: { operator: remedy, person: remedy },
  };
}

function sentence(text: string): string {
  return text.replace(/[.\s]*$/, '.');
}

/** The error of a call without an answer. If a VPC has no way to Secrets Manager, nothing refuses the connection. */
export function noAnswer({ action, resource }: Call, cause: unknown): KeyturnError {
  return new KeyturnError(
    'DeadlineExceeded',
    `${action} of ${resource} had no answer in time.`,
    stepFor('DeadlineExceeded'),
    { cause },
  );
}

/** Whether AWS has definitely not done what was asked, by a Keyturn error that {@link explainAwsError} made. */
export function wasRefused(error: unknown): boolean {
  if (!isKeyturnError(error) || error.code === 'Throttled') return false;
  const { cause } = error;
  return cause instanceof Error && Reflect.get(cause, '$fault') === 'client';
}
