import { SqlError } from './tokens.ts';

/** T-SQL as the rotators and the tests write it: what is quoted, and nothing else, is read. */

const name = String.raw`\[((?:[^\]]|\]\])+)\]`;
const text = "N'((?:[^']|'')*)'";

/** Makes the pattern of a statement, which only matches with the rotators' and the tests' quoting. */
export function pattern(source: string): RegExp {
  return new RegExp(`^${source.replaceAll('<name>', name).replaceAll('<text>', text)}$`, 's');
}

export const plainName = (quoted = ''): string => quoted.replaceAll(']]', ']');
export const plainText = (quoted = ''): string => quoted.replaceAll("''", "'");

/** @see https://learn.microsoft.com/sql/relational-databases/databases/database-identifiers */
export function requireNames(statement: string): void {
  const outsideOfTexts = statement.replace(new RegExp(text, 'gs'), '');
  for (const [, quoted] of outsideOfTexts.matchAll(new RegExp(name, 'gs'))) {
    if (plainName(quoted).length > 128)
      throw new SqlError(103, 'The identifier is too long. Maximum length is 128.');
  }
}

/** `KEY = [value]` or `KEY = N'value'` or `KEY = ON`, with commas in between. */
export function optionsOf(list = ''): Map<string, string> {
  const each = new RegExp(String.raw`(\w+) = (?:${name}|${text}|(ON|OFF))`, 'gs');
  return new Map(
    [...list.matchAll(each)].map(([, key = '', id, literal, word]) => [
      key,
      id === undefined ? (word ?? plainText(literal)) : plainName(id),
    ]),
  );
}
