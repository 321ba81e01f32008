import { malformed, type ParsedText } from './form.ts';
import { isSqlServerJdbc, parseJdbcSqlServer } from './jdbc-sql-server.ts';
import { parseUrl } from './url.ts';

/** Whether a text is a JDBC URL. `jdbc-secretsmanager:` is the prefix of AWS's wrapper that reads secrets by itself. */
export function isJdbc(text: string): boolean {
  return /^\s*jdbc(?:-secretsmanager)?:/i.test(text);
}

/**
 * Reads a JDBC URL. SQL Server has a syntax of its own. PostgreSQL, MySQL, MariaDB and Redshift have a real URL after `jdbc:`,
 * with the credential in parameters.
 *
 * @throws MalformedSecret
 * @see https://jdbc.postgresql.org/documentation/use/#connecting-to-the-database
 */
export function parseJdbc(text: string): ParsedText {
  if (isSqlServerJdbc(text) || /^\s*(?:jdbc:)?sqlserver:/i.test(text)) return parseJdbcSqlServer(text);
  if (isJdbc(text)) return parseUrl(text, 'jdbc');
  throw malformed('jdbc', 0, 'it does not start with jdbc:');
}
