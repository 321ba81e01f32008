/** sysname, the type of every name in the catalogue, is nvarchar(128). */
const longestName = 128;

/** Whether SQL Server takes a name: its length counts UTF-16 units, as nvarchar does. */
export function fitsName(name: string): boolean {
  return name !== '' && name.length <= longestName && !name.includes('\0');
}

/**
 * An identifier in brackets, which hold whatever SET QUOTED_IDENTIFIER says.
 *
 * @throws RangeError for a name that SQL Server would refuse
 * @see https://learn.microsoft.com/sql/relational-databases/databases/database-identifiers
 */
export function quoteIdentifier(name: string): string {
  if (!fitsName(name))
    throw new RangeError(`A name in SQL Server has 1 to ${longestName} characters and no NUL.`);
  return `[${name.replaceAll(']', ']]')}]`;
}

/** A binary literal, which is made of hexadecimal digits alone. @throws RangeError for anything else */
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
 * @throws RangeError for what a literal can't carry; the value is not in the message. A backslash at the end of a
 * line continues it: T-SQL would drop both. ALTER LOGIN takes a literal only, so they can't be written apart.
 * @see https://learn.microsoft.com/sql/t-sql/language-elements/sql-server-utilities-statements-backslash
 */
export function quoteLiteral(value: string): string {
  if (!fitsLiteral(value))
    throw new RangeError('A string literal of T-SQL has no NUL, and no backslash before the end of a line.');
  return `N'${value.replaceAll("'", "''")}'`;
}
