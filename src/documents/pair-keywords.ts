import { plainKeyword } from './sql-server-keywords.ts';

/** What the keywords of a form mean to its drivers, and which one they take if a keyword is there twice. */
export interface Vocabulary {
  /** The field of each keyword, written as {@link plainKeyword} does. A keyword that is not here says nothing of the login. */
  readonly fields: ReadonlyMap<string, string>;
  readonly counts: 'first' | 'last';
  /** The keyword to write for a missing field. All drivers of the form know it. */
  readonly written: Readonly<Record<string, string>>;
}

function vocabulary(
  words: Readonly<Record<string, string>>,
  counts: 'first' | 'last',
  written: readonly [username: string, password: string, dbname: string],
): Vocabulary {
  const pairs = Object.entries(words).flatMap(([field, names]) =>
    names.split(' ').map((name): [string, string] => [name, field]),
  );
  const [username, password, dbname] = written;
  return { fields: new Map(pairs), counts, written: { username, password, dbname } };
}

/**
 * The keywords of SqlClient, Npgsql and MySqlConnector together. A keyword that two of them have means the same to both.
 *
 * @see https://learn.microsoft.com/dotnet/api/microsoft.data.sqlclient.sqlconnection.connectionstring
 * @see https://www.npgsql.org/doc/connection-string-parameters.html
 * @see https://mysqlconnector.net/connection-options/
 */
export const adoNetKeywords = vocabulary(
  {
    server: 'server datasource address addr networkaddress servername host',
    username: 'userid uid user username',
    password: 'password pwd psw passwd',
    dbname: 'database initialcatalog databasename db',
    port: 'port portnumber',
    instancename: 'instancename instance',
  },
  'last',
  ['User Id', 'Password', 'Database'],
);

/**
 * The keywords of Microsoft's ODBC drivers and FreeTDS. Microsoft's take the first of two equal keywords.
 *
 * @see https://learn.microsoft.com/sql/connect/odbc/dsn-connection-string-attribute
 * @see https://www.freetds.org/userguide/OdbcConnAttr.html
 * @see https://learn.microsoft.com/sql/odbc/reference/syntax/sqldriverconnect-function#comments
 */
const odbcOfSqlServer = vocabulary(
  {
    server: 'server addr address servername',
    username: 'uid',
    password: 'pwd',
    dbname: 'database',
    port: 'port',
  },
  'first',
  ['UID', 'PWD', 'Database'],
);

/** @see https://odbc.postgresql.org/docs/config-opt.html */
const odbcOfPostgres = vocabulary(
  {
    server: 'server servername',
    username: 'uid username',
    password: 'pwd password',
    dbname: 'database',
    port: 'port',
  },
  'first',
  ['UID', 'PWD', 'Database'],
);

/** @see https://dev.mysql.com/doc/connector-odbc/en/connector-odbc-configuration-connection-parameters.html */
const odbcOfMysql = vocabulary(
  { server: 'server', username: 'uid user', password: 'pwd password', dbname: 'database db', port: 'port' },
  'first',
  ['UID', 'PWD', 'Database'],
);

/** FreeTDS takes the last of two equal keywords, as test/documents/freetds.test.ts finds. */
const odbcOfFreeTds: Vocabulary = { ...odbcOfSqlServer, counts: 'last' };

/** The vocabulary of an ODBC string, by its driver and the driver's engine. */
export function odbcKeywords(engine: string, driver: string): Vocabulary {
  if (/freetds|tdsodbc/i.test(driver)) return odbcOfFreeTds;
  if (engine === 'postgres') return odbcOfPostgres;
  return engine === 'mysql' || engine === 'mariadb' ? odbcOfMysql : odbcOfSqlServer;
}

/** The keywords of go-mssqldb's `odbc:` strings. Their quotes are ODBC's, and their keywords are not. */
export const goKeywords = vocabulary(
  { server: 'server', username: 'userid', password: 'password', dbname: 'database', port: 'port' },
  'last',
  ['user id', 'password', 'database'],
);

/** @see https://learn.microsoft.com/sql/connect/jdbc/setting-the-connection-properties */
export const jdbcKeywords = vocabulary(
  {
    server: 'server servername',
    username: 'user username',
    password: 'password',
    dbname: 'database databasename',
    port: 'port portnumber',
    instancename: 'instance instancename',
  },
  'last',
  ['user', 'password', 'databaseName'],
);

/** @see https://www.prisma.io/docs/orm/overview/databases/sql-server#connection-details */
export const prismaKeywords = vocabulary(
  {
    username: 'user username uid userid',
    password: 'password pwd',
    dbname: 'database initialcatalog',
    instancename: 'instancename',
  },
  'last',
  ['user', 'password', 'database'],
);

/** The keywords of PHP's data source names. @see https://www.php.net/manual/en/ref.pdo-mysql.connection.php */
export const pdoKeywords = vocabulary(
  { server: 'host server', username: 'user', password: 'password', dbname: 'dbname database', port: 'port' },
  'last',
  ['user', 'password', 'dbname'],
);

/** @see https://jtds.sourceforge.net/faq.html#urlFormat */
export const jtdsKeywords = vocabulary(
  {
    server: 'servername',
    username: 'user',
    password: 'password',
    dbname: 'databasename',
    port: 'portnumber',
    instancename: 'instance',
  },
  'last',
  ['user', 'password', 'databaseName'],
);

const fieldNames = new Set([
  'server',
  'host',
  'port',
  'username',
  'password',
  'dbname',
  'engine',
  'instancename',
]);

/** The field that a keyword means to the drivers of a form. If it means none, the keyword as {@link plainKeyword} writes it. */
export function nameIn({ fields }: Vocabulary, keyword: string): string {
  const plain = plainKeyword(keyword);
  // A keyword that only looks like a field, such as PASSWORD in ODBC, must not become that field.
  return fields.get(plain) ?? (fieldNames.has(plain) ? `unread${plain}` : plain);
}
