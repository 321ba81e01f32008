/** A change of a value's text, named in a placeholder after a bar. */
export interface Filter {
  readonly name: string;
  /** Whether the result is a number or a boolean, which JSON, YAML and TOML write without quotes. */
  readonly isTyped?: boolean;
  /** @throws FilterError */
  apply(value: string): string;
}

/** Why a filter can't take a value. It quotes nothing of the value. */
export class FilterError extends Error {
  override readonly name = 'FilterError';
}

// A number of JSON (RFC 8259). YAML and TOML read it as the same number.
const number = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;

const filters: readonly Filter[] = [
  { name: 'raw', apply: (value) => value },
  { name: 'json', apply: jsonString },
  { name: 'yaml', apply: yamlString },
  { name: 'toml', apply: tomlString },
  { name: 'xml', apply: (value) => xmlText(value) },
  { name: 'properties', apply: (value) => propertiesValue(value, { atStart: true, atEnd: true }) },
  { name: 'shell', apply: quotedWord },
  { name: 'url', apply: urlPart },
  { name: 'trim', apply: (value) => value.replace(/[\r\n]+$/, '') },
  { name: 'base64', apply: (value) => Buffer.from(value).toString('base64') },
  { name: 'base64url', apply: (value) => Buffer.from(value).toString('base64url') },
  { name: 'hex', apply: (value) => Buffer.from(value).toString('hex') },
  { name: 'number', isTyped: true, apply: (value) => require(value, number, 'is no number') },
  { name: 'boolean', isTyped: true, apply: booleanWord },
];

/** The names of all filters, in the order of the documentation. */
export const filterNames: readonly string[] = filters.map(({ name }) => name);

/** A filter by its name. */
export function filterNamed(name: string): Filter | undefined {
  return filters.find((filter) => filter.name === name);
}

function require(value: string, form: RegExp, problem: string): string {
  if (form.test(value)) return value;
  throw new FilterError(problem);
}

function booleanWord(value: string): string {
  return require(value.toLowerCase(), /^(true|false)$/, 'is neither true nor false');
}

/** A string of JSON, with its quotes. */
export function jsonString(value: string): string {
  return JSON.stringify(value);
}

/** Characters that need no escape: letters, marks, digits, signs and the space. */
const visible = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u;

/** A character, escaped for YAML's double quotes and TOML's basic strings alike. */
function escapedCharacter(char: string): string {
  if (char === '"' || char === '\\') return `\\${char}`;
  if (visible.test(char)) return char;
  const code = char.codePointAt(0) ?? 0;
  if (char === '\n') return '\\n';
  if (char === '\t') return '\\t';
  if (char === '\r') return '\\r';
  const digits = code.toString(16).toUpperCase();
  return code > 0xffff ? `\\U${digits.padStart(8, '0')}` : `\\u${digits.padStart(4, '0')}`;
}

/**
 * The text between double quotes, for YAML and TOML alike. Spaces at the edges are escaped, because YAML would remove them
 * at the end of a line.
 *
 * @see https://yaml.org/spec/1.2.2/#57-escaped-characters
 * @see https://toml.io/en/v1.0.0#string
 */
export function doubleQuotedText(value: string): string {
  return [...value].map(escapedCharacter).join('').replace(/^ | $/g, '\\u0020');
}

/** A string of YAML in double quotes, with the quotes. */
export function yamlString(value: string): string {
  return `"${doubleQuotedText(value)}"`;
}

/** A basic string of TOML, with its quotes. */
export function tomlString(value: string): string {
  return `"${doubleQuotedText(value)}"`;
}

/** @see https://www.w3.org/TR/xml/#charsets */
const notInXml = /[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/u;

/**
 * Text for XML, for an element or an attribute in any quotes. Line breaks and tabs are written as references, since a
 * parser turns them into spaces in attributes.
 *
 * @throws FilterError for a character that no XML document can hold
 */
export function xmlText(value: string, onlyAscii = false): string {
  if (notInXml.test(value)) throw new FilterError('has a control character, which XML can not hold');
  return value.replace(/[&<>"'\t\n\r]|[^\u{20}-\u{7e}]/gu, (char) => {
    const known = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;' }[char];
    return known ?? (visible.test(char) && !onlyAscii ? char : characterReference(char));
  });
}

/** `&#x...;` */
function characterReference(char: string): string {
  return `&#x${(char.codePointAt(0) ?? 0).toString(16).toUpperCase()};`;
}

/**
 * A value of a .properties file. Characters outside ASCII are escaped, since readers differ in the file's encoding.
 *
 * @see https://docs.oracle.com/en/java/javase/21/docs/api/java.base/java/util/Properties.html#load(java.io.Reader)
 */
export function propertiesValue(
  value: string,
  { atStart, atEnd }: { readonly atStart: boolean; readonly atEnd: boolean },
): string {
  const units = Array.from({ length: value.length }, (_, index) => value.charAt(index));
  return units
    .map((unit, index) => {
      const isEdge = (index === 0 && atStart) || (index === units.length - 1 && atEnd);
      if (unit === '\\') return '\\\\';
      // After a key and a space, an = or : at the beginning of the value would be taken for the separator.
      if ((unit === '=' || unit === ':') && isEdge) return `\\${unit}`;
      if (unit === '\n') return '\\n';
      if (unit === '\r') return '\\r';
      if (unit === '\t') return '\\t';
      if (/[!-~]/.test(unit) || (unit === ' ' && !isEdge)) return unit;
      return `\\u${unit.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`;
    })
    .join('');
}

/** One word of a POSIX shell, in single quotes. @throws FilterError for NUL, which no argument can hold */
function quotedWord(value: string): string {
  if (value.includes('\0')) throw new FilterError('has a NUL, which no word of a shell can hold');
  return `'${value.replaceAll("'", `'\\''`)}'`;
}

/** A part of a URL, percent-encoded. encodeURIComponent leaves `!'()*`, which are encoded here too. */
function urlPart(value: string): string {
  return encodeURIComponent(value).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
