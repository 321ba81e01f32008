import type { Secret } from '../model.ts';

/** A filter of ListSecrets. */
export interface Filter {
  readonly Key: string;
  readonly Values: readonly string[];
}

/** Whether a secret passes all filters; a filter with several values wants one of them. */
export function matchesAll(secret: Secret, filters: readonly Filter[]): boolean {
  return filters.every((filter) => filter.Values.some((value) => matches(secret, filter.Key, value)));
}

/** A `!` in front turns a value around. */
function matches(secret: Secret, key: string, value: string): boolean {
  if (value.startsWith('!')) return !matches(secret, key, value.slice(1));
  if (key === 'name') return secret.name.startsWith(value);
  if (key === 'description') return containsWords([secret.description ?? ''], value);
  if (key === 'tag-key') return secret.tags.some((tag) => tag.Key.startsWith(value));
  if (key === 'tag-value') return secret.tags.some((tag) => tag.Value.startsWith(value));
  return key === 'all' && containsWords(allText(secret), value);
}

function allText(secret: Secret): string[] {
  return [secret.name, secret.description ?? '', ...secret.tags.flatMap((tag) => [tag.Key, tag.Value])];
}

/**
 * Description and `all` ignore case and look for words that begin with each of the value's words.
 * @see https://docs.aws.amazon.com/secretsmanager/latest/userguide/manage_search-secret.html
 */
function containsWords(texts: readonly string[], value: string): boolean {
  const words = texts.flatMap(splitWords);
  const wanted = splitWords(value);
  return wanted.length > 0 && wanted.every((prefix) => words.some((word) => word.startsWith(prefix)));
}

function splitWords(text: string): string[] {
  return text
    .toLowerCase()
    .split(/[ /\-_+=.@]+/)
    .filter((word) => word !== '');
}
