import type { Secret } from '../model.ts';
import type { PageStart, SortKey } from '../store/store.ts';
import { describe, describeOrigin, stagesOf } from './describe-secret.ts';
import { defineOperation, type OperationContext } from './operation.ts';
import { decodeStart, encodeStart } from './paging.ts';
import { parseFilters } from './secret-filters.ts';

const defaultPage = 100;

/** @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_ListSecrets.html */
export const listSecrets = defineOperation('ListSecrets', (context, request) => {
  const passes = parseFilters(request.Filters ?? []);
  const page = findPage(context, {
    wanted: (secret) => (request.IncludePlannedDeletion === true || !secret.deletion) && passes(secret),
    sortBy: request.SortBy ?? 'created-date',
    descending: request.SortOrder === 'desc',
    limit: request.MaxResults ?? defaultPage,
    from: request.NextToken === undefined ? undefined : decodeStart(request.NextToken),
  });
  return {
    SecretList: page.secrets.map((secret) => ({
      ...describe(secret),
      SecretVersionsToStages: stagesOf(secret),
      ...describeOrigin(secret),
    })),
    NextToken: page.next && encodeStart(page.next),
  };
});

interface Search {
  readonly wanted: (secret: Secret) => boolean;
  readonly sortBy: SortKey;
  readonly descending: boolean;
  readonly limit: number;
  readonly from: PageStart | undefined;
}

/** Reads pages of the store until enough wanted secrets are found. Others take no place in the answer. */
export function findPage({ store, partition }: OperationContext, { wanted, limit, from, ...order }: Search) {
  const found: Secret[] = [];
  let next = from;
  do {
    const page = store.listSecrets(partition, { ...order, from: next, limit: limit - found.length });
    found.push(...page.secrets.filter(wanted));
    next = page.next;
  } while (next !== undefined && found.length < limit);
  return { secrets: found, next };
}
