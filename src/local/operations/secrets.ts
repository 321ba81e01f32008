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

/** Names, and whatever else is given in place of an ARN. */
const namePattern = /^[A-Za-z0-9\-/_+=.@!]+$/;

/** @throws ServiceError ValidationException for a name that no secret can have */
export function checkName(name: string): void {
  if (!namePattern.test(name)) throw invalidName();
}

type Lookup = Pick<OperationContext, 'store' | 'partition'>;

/**
 * The secret of a name, an ARN, or an ARN without its random end; marked for deletion or not. A name is one of the
 * caller's account; an ARN may be of another account, and must be of the region that was asked.
 * @throws ServiceError ResourceNotFoundException, ValidationException
 */
export function findSecret(context: Lookup, secretId: string): Secret {
  const secret = findSecretIfAny(context, secretId);
  if (!secret) throw resourceNotFound();
  return secret;
}

/** The same, undefined where there is none. */
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
 * The same as {@link findSecret}, but a secret that is marked for deletion is refused.
 * @throws ServiceError ResourceNotFoundException, InvalidRequestException, ValidationException
 */
export function findUsableSecret(context: OperationContext, secretId: string): Secret {
  const secret = findSecret(context, secretId);
  if (secret.deletion) throw markedForDeletion();
  return secret;
}

/**
 * A secret that may be changed: not marked for deletion, and no replica of any kind.
 * @throws ServiceError ResourceNotFoundException, InvalidRequestException, InvalidParameterException,
 * ValidationException
 */
export function findChangeableSecret(context: OperationContext, secretId: string): Secret {
  const secret = findManageableSecret(context, secretId);
  if (secret.crossAccountPrimary) throw notOnCrossAccountReplica();
  return secret;
}

/**
 * A secret whose tags and policies may be changed: not marked for deletion, and no replica of another region. A replica
 * of another account's secret has its own.
 * @throws ServiceError as {@link findChangeableSecret}
 */
export function findManageableSecret(context: OperationContext, secretId: string): Secret {
  const secret = findUsableSecret(context, secretId);
  if (secret.primaryRegion !== undefined) throw notOnReplica();
  return secret;
}

/**
 * The members of a request that carry a value; undefined when it carries none. The words of the error were reported of
 * AWS (aws-sdk-java's issue 1556).
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
 * SDKs make a token for each request; whoever writes requests by hand has to do the same. Recorded by localstack's
 * test `test_no_client_request_token`.
 * @throws ServiceError InvalidRequestException, or what `refuse` makes of the message
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
 * The AWS managed key encrypts and decrypts for its own account only. Recorded by localstack's test
 * `test_cross_account_access`.
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

/** The start of the UTC day: AWS keeps no more than that of an access. */
export function dayOf(timeMs: number): number {
  return timeMs - (timeMs % 86_400_000);
}
