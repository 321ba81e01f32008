/** Postgres cuts off a longer name without an error, and so means another object. */
const longestNameBytes = 63;

/** Whether Postgres takes a name whole. */
export function fitsName(name: string): boolean {
  return name !== '' && !name.includes('\0') && Buffer.byteLength(name) <= longestNameBytes;
}

/**
 * An identifier, quoted.
 *
 * @throws RangeError for a name that Postgres would cut off or refuse
 * @see https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-IDENTIFIERS
 */
export function quoteIdentifier(name: string): string {
  if (!fitsName(name))
    throw new RangeError(`A name in Postgres has 1 to ${longestNameBytes} bytes and no NUL.`);
  return `"${name.replaceAll('"', '""')}"`;
}

/**
 * A string, quoted for either setting of standard_conforming_strings.
 *
 * @throws RangeError for a NUL, which Postgres can't hold; the value is not in the message
 * @see https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-STRINGS-ESCAPE
 */
export function quoteLiteral(value: string): string {
  if (value.includes('\0')) throw new RangeError('A string in Postgres has no NUL.');
  return `E'${value.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}
