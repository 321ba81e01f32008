/** T-SQL as the rotators and the tests write it: what is quoted, and nothing else, is read. */

const name = String.raw`\[((?:[^\]]|\]\])+)\]`;
const text = "N'((?:[^']|'')*)'";

/** A statement of the rotator, or of a test that prepares something: quoted as they quote, or not known here. */
export function pattern(source: string): RegExp {
  return new RegExp(`^${source.replaceAll('<name>', name).replaceAll('<text>', text)}$`, 's');
}

export const plainName = (quoted = ''): string => quoted.replaceAll(']]', ']');
export const plainText = (quoted = ''): string => quoted.replaceAll("''", "'");

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
