import { invalidParameter } from '../errors.ts';
import type { Secret } from '../model.ts';
import { list, required, structure, text } from '../protocol/shapes.ts';
import { describe, stagesOf } from './describe-secret.ts';
import * as members from './members.ts';
import { defineOperation, type OperationContext } from './operation.ts';
import { decodePosition, encodePosition } from './paging.ts';
import { matchesAll } from './secret-filters.ts';

const DEFAULT_PAGE = 100;
const FILTER_KEYS = [
  'description',
  'name',
  'tag-key',
  'tag-value',
  'primary-region',
  'owning-service',
  'all',
];

const input = structure({
  IncludePlannedDeletion: members.boolean,
  MaxResults: members.maxResults,
  NextToken: members.nextToken,
  SortOrder: text({ oneOf: ['asc', 'desc'] }),
  Filters: list(
    structure({
      Key: required(text({ oneOf: FILTER_KEYS })),
      Values: required(list(text({ max: 512, pattern: /^!?[a-zA-Z0-9 :_@/+=.\-!]*$/ }), { min: 1, max: 10 })),
    }),
    { max: 10 },
  ),
});

/** @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_ListSecrets.html */
export const listSecrets = defineOperation('ListSecrets', input, (context, request) => {
  const from = request.NextToken === undefined ? undefined : positionOf(request.NextToken);
  const wanted = (secret: Secret) =>
    (request.IncludePlannedDeletion === true || !secret.deletion) &&
    matchesAll(secret, request.Filters ?? []);
  const page = findPage(
    context,
    wanted,
    from,
    request.MaxResults ?? DEFAULT_PAGE,
    request.SortOrder === 'desc',
  );
  return {
    SecretList: page.secrets.map((secret) => ({
      ...describe(secret),
      SecretVersionsToStages: stagesOf(secret),
    })),
    NextToken: page.next === undefined ? undefined : encodePosition(page.next),
  };
});

interface FoundPage {
  readonly secrets: readonly Secret[];
  readonly next: number | undefined;
}

/** Reads pages until one is full of secrets that are wanted: what doesn't match takes no place in the answer. */
function findPage(
  context: OperationContext,
  wanted: (secret: Secret) => boolean,
  from: number | undefined,
  size: number,
  descending: boolean,
): FoundPage {
  const found: Secret[] = [];
  let next = from;
  do {
    const page = context.store.listSecrets(next, size - found.length, descending);
    found.push(...page.secrets.filter(wanted));
    next = page.next;
  } while (next !== undefined && found.length < size);
  return { secrets: found, next };
}

function positionOf(token: string): number {
  const position = decodePosition(token);
  if (position === undefined) throw invalidParameter('The NextToken value is invalid.');
  return position;
}
