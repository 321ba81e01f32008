import { homeOf, nameInPartialArn, partitionOf } from '../arn.ts';
import {
  invalidName,
  invalidParameter,
  invalidRequest,
  markedForDeletion,
  notOnCrossAccountReplica,
  notOnReplica,
  resourceNotFound,
} from '../errors.ts';
import { defaultKmsKeyId, type Secret, type SecretValue } from '../model.ts';
import type { OperationContext } from './operation.ts';

/** What a secret's name may consist of. Anything that is no ARN is read as a name. */
const namePattern = /^[A-Za-z0-9\-/_+=.@!]+$/;

/** @throws ServiceError ValidationException for a name that no secret can have */
export function checkName(name: string): void {
  if (!namePattern.test(name)) throw invalidName();
}

type Lookup = Pick<OperationContext, 'store' | 'partition'>;

/**
 * Finds a secret by its name, its ARN, or its ARN without the random characters. It may be marked for deletion. A name is looked
 * up in the caller's account. An ARN may be of another account, but must be of the region that was called.
 * @throws ServiceError ResourceNotFoundException, ValidationException
 */
export function findSecret(context: Lookup, secretId: string): Secret {
  const secret = findSecretIfAny(context, secretId);
  if (!secret) throw resourceNotFound();
  return secret;
}

/** As {@link findSecret}, but undefined if there is none. @throws ServiceError ValidationException */
export function findSecretIfAny({ store, partition }: Lookup, secretId: string): Secret | undefined {
  if (!secretId.startsWith('arn:')) {
    checkName(secretId);
    return store.secretByName(partition, secretId);
  }
  const home = partitionOf(secretId);
  if (home?.region !== partition.region) return undefined;
  const name = nameInPartialArn(secretId);
  const secret =
    store.secretByArn(secretId) ?? (name === undefined ? undefined : store.secretByName(home, name));
  return secret?.arn.startsWith(secretId) ? secret : undefined;
}

/**
 * As {@link findSecret}, but refuses a secret that is marked for deletion.
 * @throws ServiceError ResourceNotFoundException, InvalidRequestException, ValidationException
 */
export function findUsableSecret(context: OperationContext, secretId: string): Secret {
  const secret = findSecret(context, secretId);
  if (secret.deletion) throw markedForDeletion();
  return secret;
}

/**
 * Finds a secret that may be changed: it is not marked for deletion, and no replica of any kind.
 * @throws ServiceError ResourceNotFoundException, InvalidRequestException, InvalidParameterException,
 * ValidationException
 */
export function findChangeableSecret(context: OperationContext, secretId: string): Secret {
  const secret = findManageableSecret(context, secretId);
  if (secret.crossAccountPrimary) throw notOnCrossAccountReplica();
  return secret;
}

/**
 * Finds a secret whose tags and policies may be changed: it is not marked for deletion, and no replica of another region. A
 * replica of another account's secret has tags and policies of its own.
 * @throws ServiceError as {@link findChangeableSecret}
 */
export function findManageableSecret(context: OperationContext, secretId: string): Secret {
  const secret = findUsableSecret(context, secretId);
  if (secret.primaryRegion !== undefined) throw notOnReplica();
  return secret;
}

/**
 * The value that a request carries. Undefined if it carries none. The words of the error are AWS's (aws-sdk-java's issue 1556).
 * @throws ServiceError InvalidParameterException for a string and bytes together
 */
export function valueIn(input: {
  readonly SecretString?: string | undefined;
  readonly SecretBinary?: Buffer | undefined;
}): SecretValue | undefined {
  if (input.SecretString !== undefined && input.SecretBinary !== undefined) {
    throw invalidParameter(
      "The request had invalid params: You can't specify both a binary secret value and a string secret value in the same secret.",
    );
  }
  if (input.SecretString !== undefined) return { kind: 'string', text: input.SecretString };
  return input.SecretBinary && { kind: 'binary', bytes: input.SecretBinary };
}

/**
 * Checks that a request has a token. SDKs add one to each request. Requests that are written by hand need one too, as
 * localstack's test `test_no_client_request_token` has recorded.
 * @throws ServiceError InvalidRequestException, or the error that `refuse` makes
 */
export function requireToken(token: string | undefined, refuse = invalidRequest): string {
  if (token !== undefined) return token;
  throw refuse('You must provide a ClientRequestToken value. We recommend a UUID-type value.');
}

/** The key that a secret's new values are encrypted with. */
export function kmsKeyOf(secret: Secret): string {
  return secret.kmsKeyId ?? defaultKmsKeyId;
}

/**
 * Checks that the caller may use the secret's key. The AWS managed key serves its own account only, as localstack's test
 * `test_cross_account_access` has recorded.
 * @throws ServiceError InvalidRequestException
 */
export function checkKeyServes({ partition }: Lookup, secret: Secret): void {
  if (kmsKeyOf(secret) !== defaultKmsKeyId || homeOf(secret.arn).accountId === partition.accountId) return;
  throw invalidRequest(
    "You can't access a secret from a different AWS account if you encrypt the secret with the default KMS service key.",
  );
}

/** A date as the API gives it: seconds since the epoch, with a fraction. */
export function seconds(timeMs: number): number;
export function seconds(timeMs: number | undefined): number | undefined;
export function seconds(timeMs: number | undefined): number | undefined {
  return timeMs === undefined ? undefined : timeMs / 1000;
}

/** The start of the UTC day. AWS keeps only the day of an access. */
export function dayOf(timeMs: number): number {
  return timeMs - (timeMs % 86_400_000);
}
