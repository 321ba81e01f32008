import { list, required, structure } from '../protocol/shapes.ts';
import * as members from './members.ts';
import { defineOperation } from './operation.ts';
import { findUsableSecret, mergeTags } from './secrets.ts';

/** @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_TagResource.html */
export const tagResource = defineOperation(
  'TagResource',
  structure({ SecretId: members.secretId, Tags: required(members.tags) }),
  (context, request) => {
    const secret = findUsableSecret(context, request.SecretId);
    context.save({ ...secret, tags: mergeTags(secret.tags, request.Tags), changedAt: context.now }, secret);
    return {};
  },
);

/** @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_UntagResource.html */
export const untagResource = defineOperation(
  'UntagResource',
  structure({ SecretId: members.secretId, TagKeys: required(list(members.tagKey)) }),
  (context, request) => {
    const secret = findUsableSecret(context, request.SecretId);
    const removed = new Set(request.TagKeys);
    const tags = secret.tags.filter((tag) => !removed.has(tag.Key));
    context.save({ ...secret, tags, changedAt: context.now }, secret);
    return {};
  },
);
