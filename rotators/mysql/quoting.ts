import { wholeText } from '../database/login.ts';

/**
 * Whether the server takes a name. Names are in utf8mb3, which has no characters outside the BMP.
 *
 * @param longest in characters: MySQL 8 takes 32, and MariaDB 80
 */
export function fitsName(name: string, longest: number): boolean {
  return (
    name !== '' &&
    wholeText.fits(name) &&
    name.length <= longest &&
    !/[\u{10000}-\u{10ffff}]/u.test(name) &&
    name === name.trimEnd()
  );
}

/**
 * A quoted string. Sessions have no `sql_mode`, so a backslash escapes. Even with NO_BACKSLASH_ESCAPES the string would
 * end correctly, because quotes are doubled.
 *
 * @throws RangeError for a NUL or half a character; the value is not in the message
 * @see https://dev.mysql.com/doc/refman/8.4/en/string-literals.html
 */
export function quoteLiteral(value: string): string {
  if (!wholeText.fits(value))
    throw new RangeError('A string in MySQL has no NUL and no half characters here.');
  return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}

/** An account: a user's name, and the host or pattern of hosts from which it may log in. */
export interface Account {
  /** The user's name. */
  readonly user: string;
  /** A host, or a pattern such as `%`. */
  readonly host: string;
}

/** @see https://dev.mysql.com/doc/refman/8.4/en/account-names.html */
export function quoteAccount({ user, host }: Account): string {
  return `${quoteLiteral(user)}@${quoteLiteral(host)}`;
}

/** Reads the answer of CURRENT_USER(). A user's name may have an `@`; a host never does. */
export function parseAccount(text: string): Account {
  const at = text.lastIndexOf('@');
  return { user: text.slice(0, at), host: text.slice(at + 1) };
}
