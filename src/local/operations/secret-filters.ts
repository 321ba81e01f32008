import { invalidParameter } from '../errors.ts';
import type { Secret } from '../model.ts';
import type { Input } from '../protocol/input.ts';
import { primaryRegionOf } from '../replication.ts';
import { owningService } from './describe-secret.ts';

type Filters = NonNullable<Input<'ListSecrets'>['Filters']>;
type FilterKey = NonNullable<Filters[number]['Key']>;
type Matcher = (secret: Secret, value: string) => boolean;

/**
 * How each key compares: by the beginning of a text (upper and lower case differ), or by words.
 * @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_Filter.html
 */
const matchers: Readonly<Record<FilterKey, Matcher>> = {
  name: (secret, value) => secret.name.startsWith(value),
  // AWS documents a prefix. In moto's tests, AWS searches for words, as for `all`.
  description: (secret, value) => containsWords([secret.description ?? ''], value),
  'tag-key': ({ tags = [] }, value) => tags.some((tag) => tag.Key.startsWith(value)),
  'tag-value': ({ tags = [] }, value) => tags.some((tag) => tag.Value.startsWith(value)),
  'primary-region': (secret, value) => primaryRegionOf(secret)?.startsWith(value) === true,
  'owning-service': (secret, value) => owningService(secret)?.startsWith(value) === true,
  all: (secret, value) => containsWords(allText(secret), value),
};

/**
 * Makes the check whether a secret passes all filters. A filter with several values passes if one matches. A `!` before a value
 * negates it.
 * @throws ServiceError InvalidParameterException for a filter without a key or without values
 */
export function parseFilters(filters: Filters): (secret: Secret) => boolean {
  const tests = filters.map(({ Key, Values }) => {
    if (Key === undefined) throw invalidParameter('Invalid filter key');
    if (Values === undefined) throw invalidParameter(`Invalid filter values for key: ${Key}`);
    const matches = matchers[Key];
    return (secret: Secret) =>
      Values.some((value) =>
        value.startsWith('!') ? !matches(secret, value.slice(1)) : matches(secret, value),
      );
  });
  return (secret) => tests.every((test) => test(secret));
}

function allText({ name, description = '', tags = [] }: Secret): string[] {
  return [name, description, ...tags.flatMap((tag) => [tag.Key, tag.Value])];
}

/** Whether one of the texts has all words of the value, or words that begin with them. Upper and lower case are the same. */
function containsWords(texts: readonly string[], value: string): boolean {
  const wanted = wordsOf(value);
  return (
    wanted.length > 0 &&
    texts.some((text) => {
      const words = wordsOf(text);
      return wanted.every((prefix) => words.some((word) => word.startsWith(prefix)));
    })
  );
}

const separators = ['/', '-', '_', '+', '=', '.', '@'];

/**
 * The words of a text, as AWS takes it apart. It splits at the separators, and around each capital or other sign that small
 * letters follow. A text with several kinds of separators stays whole. moto's tests `test_with_all_filter_special_characters`
 * have this from AWS.
 */
export function wordsOf(text: string): string[] {
  const [separator = ' ', another] = separators.filter((sign) => text.includes(sign));
  const words =
    another === undefined ? text.split(separator).flatMap((part) => part.split(/([^a-z][a-z]+)/)) : [text];
  return words.map((word) => word.trim().toLowerCase()).filter((word) => word !== '');
}
