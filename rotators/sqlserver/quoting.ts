/** sysname, the type of every name in the catalogue, is nvarchar(128). */
const longestName = 128;

/** Whether SQL Server takes a name. The length counts in UTF-16 units, as for nvarchar. */
export function fitsName(name: string): boolean {
  return name !== '' && name.length <= longestName && !name.includes('\0');
}

/**
 * An identifier in brackets. They work with either setting of QUOTED_IDENTIFIER.
 *
 * @throws RangeError for a name that SQL Server would refuse
 * @see https://learn.microsoft.com/sql/relational-databases/databases/database-identifiers
 */
export function quoteIdentifier(name: string): string {
  if (!fitsName(name))
    throw new RangeError(`A name in SQL Server has 1 to ${longestName} characters and no NUL.`);
  return `[${name.replaceAll(']', ']]')}]`;
}

/** A binary literal: 0x and pairs of hexadecimal digits. @throws RangeError for anything else */
export function binaryLiteral(text: string): string {
  if (!/^0x([0-9A-Fa-f]{2})+$/.test(text))
    throw new RangeError('A binary literal of T-SQL has hexadecimal digits only.');
  return text;
}

/** Whether a string literal can carry a text. */
export function fitsLiteral(text: string): boolean {
  return !text.includes('\0') && !/\\[\r\n]/.test(text);
}

/**
 * A Unicode string literal.
 *
 * @throws RangeError for a text that a literal can't carry; the value is not in the message. One is a backslash before the
 *   end of a line: T-SQL drops both, as a continued line. ALTER LOGIN takes nothing but a single literal, so the two can't
 *   be written as parts
 * @see https://learn.microsoft.com/sql/t-sql/language-elements/sql-server-utilities-statements-backslash
 */
export function quoteLiteral(value: string): string {
  if (!fitsLiteral(value))
    throw new RangeError('A string literal of T-SQL has no NUL, and no backslash before the end of a line.');
  return `N'${value.replaceAll("'", "''")}'`;
}
