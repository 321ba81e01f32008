import { malformed, type ParsedText, refused } from './form.ts';
import { jdbcKeywords, jtdsKeywords, prismaKeywords } from './pair-keywords.ts';
import { parsedPairs } from './pairs.ts';
import { jdbcSyntax, jtdsSyntax, scanPairs } from './pairs-scanner.ts';
import { withInstance } from './sql-server-keywords.ts';
import { definedFields } from './switches.ts';

/** Wrappers may stand between: `jdbc:p6spy:sqlserver://`. Prisma's URLs have the same syntax, without `jdbc:`. */
const head = /^\s*(?:jdbc(?:-secretsmanager)?:(?:[a-z][\w.-]*:)*?)?sqlserver:\/\//i;
const jtdsHead = /^\s*jdbc:jtds:(sqlserver|sybase):\/\//i;
// An IPv6 address is in brackets. Host and instance can't contain the characters that end them.
const address = /(\[[^\]]*\]|[^\\:;[\]]*)(?:\\([^:;]*))?(?::(\d*))?\s*(?=;|$)/y;
const jtdsAddress = /(\[[^\]]*\]|[^:;/[\]]*)(?::(\d*))?(?:\/([^;]*))?\s*(?=;|$)/y;

/** Whether a text is a JDBC URL with properties after semicolons. */
export function isSqlServerJdbc(text: string): boolean {
  return head.test(text) || jtdsHead.test(text);
}

/**
 * Reads `jdbc:sqlserver://host\instance:port;property=value;...`, and jTDS's `jdbc:jtds:sqlserver://host:port/database;...`.
 *
 * @throws MalformedSecret
 * @see https://learn.microsoft.com/en-us/sql/connect/jdbc/building-the-connection-url
 * @see https://jtds.sourceforge.net/faq.html#urlFormat
 */
export function parseJdbcSqlServer(text: string): ParsedText {
  const jtds = jtdsHead.exec(text);
  if (jtds !== null) return parseJtds(text, jtds[0].length, jtds[1]?.toLowerCase() ?? '');
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
  const keywords = /^\s*jdbc/i.test(text) ? jdbcKeywords : prismaKeywords;
  return parsedPairs(text, jdbcSyntax, keywords, pairs, { engine: 'sqlserver', ...definedFields(base) });
}

function parseJtds(text: string, start: number, engine: string): ParsedText {
  jtdsAddress.lastIndex = start;
  const found = jtdsAddress.exec(text);
  if (found === null) throw malformed('jdbc', start, 'no host, port and database that end at a semicolon');
  const [all, host = '', port, dbname] = found;
  const pairs = [...scanPairs(text, jtdsSyntax, start + all.length)];
  const base = {
    host: host.replace(/^\[|\]$/g, '') || undefined,
    port: port || undefined,
    dbname: dbname || undefined,
  };
  const parsed = parsedPairs(text, jtdsSyntax, jtdsKeywords, pairs, { engine, ...definedFields(base) });
  const domain = pairs.findLast(({ keyword }) => keyword.toLowerCase() === 'domain');
  return domain === undefined || domain.value === ''
    ? parsed
    : { ...parsed, refusal: parsed.refusal ?? windowsLogin() };
}

/** @see https://jtds.sourceforge.net/faq.html#urlFormat */
function windowsLogin(): ParsedText['refusal'] {
  return refused(
    'domain',
    'The secret\'s "domain" makes jTDS log in to Windows, and not to SQL Server.',
    'Take "domain" out, or don\'t rotate this secret: its password is not one of SQL Server.',
  );
}
