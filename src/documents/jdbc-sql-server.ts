import { malformed, type ParsedText } from './form.ts';
import { parsedPairs } from './pairs.ts';
import { jdbcSyntax, scanPairs } from './pairs-scanner.ts';
import { withInstance } from './sql-server-keywords.ts';
import { definedFields } from './switches.ts';

/** Prisma's URLs have the same syntax, without `jdbc:`: https://www.prisma.io/docs/orm/overview/databases/sql-server */
const head = /^\s*(?:jdbc:)?sqlserver:\/\//i;
// An IPv6 address is in brackets; neither a name nor an instance holds what ends it.
const address = /(\[[^\]]*\]|[^\\:;[\]]*)(?:\\([^:;]*))?(?::(\d*))?\s*(?=;|$)/y;

/**
 * Reads `jdbc:sqlserver://host\instance:port;property=value;...`.
 *
 * @throws MalformedSecret
 * @see https://learn.microsoft.com/en-us/sql/connect/jdbc/building-the-connection-url
 */
export function parseJdbcSqlServer(text: string): ParsedText {
  const start = head.exec(text)?.[0].length;
  if (start === undefined) throw malformed('jdbc', 0, 'it does not start with jdbc:sqlserver://');
  address.lastIndex = start;
  const found = address.exec(text);
  if (found === null) throw malformed('jdbc', start, 'no host, instance and port that end at a semicolon');
  const [all, host = '', instance, port] = found;
  const pairs = [...scanPairs(text, jdbcSyntax, start + all.length)];
  const base = {
    host: withInstance(host.replace(/^\[|\]$/g, ''), instance),
    port: port || undefined,
  };
  return parsedPairs(text, jdbcSyntax, pairs, { engine: 'sqlserver', ...definedFields(base) });
}
