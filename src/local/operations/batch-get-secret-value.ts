import { invalidParameter, ServiceError } from '../errors.ts';
import { readSecretValue } from './get-secret-value.ts';
import { findPage } from './list-secrets.ts';
import { defineOperation, type OperationContext } from './operation.ts';
import { decodeStart, encodeStart } from './paging.ts';
import { parseFilters } from './secret-filters.ts';

const defaultPage = 20;

/**
 * Secrets that can't be read are among the errors. The others are answered.
 * @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_BatchGetSecretValue.html
 */
export const batchGetSecretValue = defineOperation('BatchGetSecretValue', (context, request) => {
  const { SecretIdList: ids, Filters: filters, MaxResults: limit, NextToken: token } = request;
  if ((ids === undefined) === (filters === undefined)) {
    throw invalidParameter("Either 'SecretIdList' or 'Filters' must be provided, but not both.");
  }
  if (limit !== undefined && filters === undefined) {
    throw invalidParameter(
      "'Filters' not specified. 'Filters' must also be specified when 'MaxResults' is provided.",
    );
  }
  if (filters === undefined) return readAll(context, ids ?? []);
  const passes = parseFilters(filters);
  const page = findPage(context, {
    wanted: (secret) => !secret.deletion && passes(secret),
    sortBy: 'created-date',
    descending: false,
    limit: limit ?? defaultPage,
    from: token === undefined ? undefined : decodeStart(token),
  });
  const arns = page.secrets.map(({ arn }) => arn);
  return { ...readAll(context, arns), NextToken: page.next && encodeStart(page.next) };
});

function readAll(context: OperationContext, secretIds: readonly string[]) {
  const values: object[] = [];
  const errors: object[] = [];
  for (const SecretId of secretIds) {
    try {
      values.push(readSecretValue(context, { SecretId }));
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      errors.push({ SecretId, ErrorCode: error.type, Message: error.message });
    }
  }
  return { SecretValues: values, Errors: errors };
}
