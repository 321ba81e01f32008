import { nameInPartialArn } from '../arn.ts';
import { invalidParameter, markedForDeletion, resourceNotFound } from '../errors.ts';
import { DEFAULT_KMS_KEY_ID, type Secret, type SecretValue } from '../model.ts';
import type { UnitOfWork } from '../state.ts';
import type { Store } from '../store/store.ts';

const MAX_TAGS = 50;

/**
 * The secret of a name, an ARN, or an ARN without its random end; marked for deletion or not.
 * @throws ServiceError ResourceNotFoundException
 */
export function findSecret({ store }: UnitOfWork, secretId: string): Secret {
  const secret = store.secretByArn(secretId) ?? secretByPartialId(store, secretId);
  if (!secret) throw resourceNotFound();
  return secret;
}

function secretByPartialId(store: Store, secretId: string): Secret | undefined {
  const name = nameInPartialArn(secretId);
  if (name === undefined) return store.secretByName(secretId);
  const secret = store.secretByName(name);
  return secret?.arn.startsWith(`${secretId}-`) ? secret : undefined;
}

/**
 * The same, but a secret that is marked for deletion is refused.
 * @throws ServiceError ResourceNotFoundException, InvalidRequestException
 */
export function findUsableSecret(unit: UnitOfWork, secretId: string): Secret {
  const secret = findSecret(unit, secretId);
  if (secret.deletion) throw markedForDeletion();
  return secret;
}

/** The members of a request that carry a value; undefined when it carries none. */
export function valueIn(input: {
  readonly SecretString?: string | undefined;
  readonly SecretBinary?: Buffer | undefined;
}): SecretValue | undefined {
  if (input.SecretString !== undefined && input.SecretBinary !== undefined) {
    throw invalidParameter(
      "You can't specify both a binary secret value and a string secret value in the same secret.",
    );
  }
  if (input.SecretString !== undefined) return { kind: 'string', text: input.SecretString };
  return input.SecretBinary && { kind: 'binary', bytes: input.SecretBinary };
}

/** The key that a secret's new values are encrypted with. */
export function kmsKeyOf(secret: Secret): string {
  return secret.kmsKeyId ?? DEFAULT_KMS_KEY_ID;
}

/**
 * Adds tags, replacing those that have a key already.
 * @throws ServiceError InvalidParameterException when a tag has no key, or there are too many
 */
export function mergeTags(
  tags: Secret['tags'],
  added: readonly { readonly Key?: string | undefined; readonly Value?: string | undefined }[],
): Secret['tags'] {
  const merged = new Map(tags.map((tag) => [tag.Key, tag.Value]));
  for (const { Key, Value = '' } of added) {
    if (Key === undefined) throw invalidParameter('Tag key must not be null.');
    if (Key.toLowerCase().startsWith('aws:')) throw invalidParameter('Tag keys must not begin with aws:.');
    merged.set(Key, Value);
  }
  if (merged.size > MAX_TAGS) throw invalidParameter(`A secret can have no more than ${MAX_TAGS} tags.`);
  return [...merged].map(([Key, Value]) => ({ Key, Value }));
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
