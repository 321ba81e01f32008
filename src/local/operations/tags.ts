import { invalidParameter } from '../errors.ts';
import { owningServiceIn, owningServiceTag, type Secret, type Tag } from '../model.ts';
import { defineOperation } from './operation.ts';
import { findManageableSecret } from './secrets.ts';

/** @see https://docs.aws.amazon.com/general/latest/gr/arg.html#taged-reference-quotas */
const maxTags = 50;

/** @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_TagResource.html */
export const tagResource = defineOperation('TagResource', (context, request) => {
  const secret = findManageableSecret(context, request.SecretId);
  const tags = mergeTags(secret, request.Tags);
  context.save({ ...secret, tags, changedAt: context.now }, secret);
  return undefined;
});

/** @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_UntagResource.html */
export const untagResource = defineOperation('UntagResource', (context, request) => {
  const secret = findManageableSecret(context, request.SecretId);
  const removed = new Set(request.TagKeys);
  const tags = secret.tags?.filter((tag) => !removed.has(tag.Key));
  if (tags?.length === secret.tags?.length) return undefined;
  context.save({ ...secret, tags, changedAt: context.now }, secret);
  return undefined;
});

/** A new secret's tags: those of the request, and the tag of the service that the secret's name says it belongs to. */
export function firstTags(name: string, asked: RequestedTags | undefined): readonly Tag[] | undefined {
  const owner = owningServiceIn(name);
  const tags = owner === undefined ? undefined : [{ Key: owningServiceTag, Value: owner }];
  return asked ? mergeTags({ name, tags }, asked) : tags;
}

type RequestedTags = readonly { readonly Key?: string | undefined; readonly Value?: string | undefined }[];

/**
 * Adds tags. A tag with the same key is replaced.
 * @throws ServiceError InvalidParameterException for a tag without a key, for a key that AWS reserves, and for too many tags
 */
function mergeTags({ name, tags = [] }: Pick<Secret, 'name' | 'tags'>, added: RequestedTags): readonly Tag[] {
  const merged = new Map(tags.map((tag) => [tag.Key, tag.Value]));
  for (const { Key, Value = '' } of added) {
    if (Key === undefined) throw invalidParameter('Tag key must not be null.');
    // Services tag the secrets that they manage.
    if (Key.toLowerCase().startsWith('aws:') && owningServiceIn(name) === undefined) {
      throw invalidParameter('aws: prefixed tag key names are not allowed for external use.');
    }
    merged.set(Key, Value);
  }
  if (merged.size > maxTags) throw invalidParameter(`A secret can have no more than ${maxTags} tags.`);
  return [...merged].map(([Key, Value]) => ({ Key, Value }));
}
