import { malformed, type ParsedText } from './form.ts';
import { parseJdbcSqlServer } from './jdbc-sql-server.ts';
import { parseUrl } from './url.ts';

/**
 * Reads a JDBC URL: SQL Server's with its own syntax, and those that are URLs after `jdbc:` (PostgreSQL, MySQL,
 * MariaDB, Redshift), in which the credential is in parameters.
 *
 * @throws MalformedSecret
 * @see https://jdbc.postgresql.org/documentation/use/#connecting-to-the-database
 */
export function parseJdbc(text: string): ParsedText {
  if (/^\s*(?:jdbc:)?sqlserver:/i.test(text)) return parseJdbcSqlServer(text);
  if (/^\s*jdbc:/i.test(text)) return parseUrl(text, 'jdbc');
  throw malformed('jdbc', 0, 'it does not start with jdbc:');
}
