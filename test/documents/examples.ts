import fc from 'fast-check';
import type { FormName, SecretFields } from '../../src/index.ts';

/** A secret of each kind: what it is written like, and what it says. `OLD` is the password as it stands there. */
export interface Example {
  readonly name: string;
  readonly form: FormName;
  readonly text: string;
  readonly fields: SecretFields;
}

const db = { host: 'db.example.com', username: 'app', password: 'OLD' };
const postgres = { engine: 'postgres', ...db, dbname: 'shop' };
const sqlServer = { engine: 'sqlserver', ...db, dbname: 'shop' };

export const examples: readonly Example[] = [
  {
    name: "AWS's JSON",
    form: 'json',
    text: '{ "engine":"postgres","host" : "db.example.com",\n\t"port": 5432.0, "username":"app","password":"OLD", "note":[1e3,"\\u00e9"] }\n',
    fields: { engine: 'postgres', ...db, port: 5432, note: [1000, 'é'] },
  },
  {
    name: 'JSON with comments',
    form: 'json',
    text: '{ // the one of billing\n "username": "app", /* "password": "no" */ "password": "OLD" }',
    fields: { username: 'app', password: 'OLD' },
  },
  {
    name: 'JSON with a connection string alone',
    form: 'json',
    text: '{"ConnectionStrings":{"Default":"Server=tcp:db.example.com,1433;Database=shop;User Id=app;Password=OLD;Application Name=a\\u0026b\\/c"}}',
    fields: { ...sqlServer, port: '1433' },
  },
  {
    name: 'JSON with connection strings beside its fields',
    form: 'json',
    text: '{"username":"app","password":"OLD","host":"db.example.com","url":"postgres://app:OLD@db.example.com/shop","jdbcUrl":"jdbc:postgresql:\\/\\/db.example.com/shop"}',
    fields: postgres,
  },
  {
    name: 'ADO.NET',
    form: 'ado-net',
    text: 'Server=tcp:db.example.com,1433; Initial Catalog = shop ;User ID=app;pwd="OLD";Encrypt=True;TrustServerCertificate=false;',
    fields: { ...sqlServer, port: '1433', ssl: true, trustservercertificate: false },
  },
  {
    name: 'ADO.NET with an instance',
    form: 'ado-net',
    text: "Data Source=db.example.com\\inst;UID=app;Password='OLD';Database=shop;Application Name=x=y",
    fields: { ...sqlServer, host: 'db.example.com\\inst', applicationname: 'x=y' },
  },
  {
    name: "ADO.NET of Npgsql's",
    form: 'ado-net',
    text: 'Host=db.example.com;Port=5433;Username=app;Password=OLD;Database=shop;SSL Mode=VerifyFull',
    fields: { ...postgres, port: '5433', ssl: true },
  },
  {
    name: 'StackExchange.Redis',
    form: 'stackexchange-redis',
    text: 'db.example.com:6380,user=app, Password = OLD ,ssl=True,abortConnect=False,defaultDatabase=3',
    fields: { engine: 'redis', ...db, port: '6380', dbname: '3', ssl: true },
  },
  {
    name: 'StackExchange.Redis with Sentinels',
    form: 'stackexchange-redis',
    text: 's1.example.com,s2.example.com:26380,serviceName=shop,password=OLD,sslHost=db.example.com',
    fields: {
      engine: 'redis',
      host: 's1.example.com,s2.example.com:26380',
      password: 'OLD',
      mastername: 'shop',
      sslservername: 'db.example.com',
    },
  },
  {
    name: 'ODBC',
    form: 'odbc',
    text: 'Driver={ODBC Driver 18 for SQL Server};Server=db.example.com;Database=shop;UID=app;PWD={OLD};Encrypt=no',
    fields: { ...sqlServer, ssl: false, driver: 'ODBC Driver 18 for SQL Server' },
  },
  {
    name: 'postgres://',
    form: 'url',
    text: 'postgres://app:OLD@db.example.com:5433/shop?sslmode=verify-full&application_name=my%20app#x',
    fields: { ...postgres, port: '5433', ssl: true, application_name: 'my app' },
  },
  {
    name: 'postgresql:// with parameters',
    form: 'url',
    text: 'postgresql://db.example.com/shop?user=app&password=OLD&sslmode=disable',
    fields: { ...postgres, ssl: false },
  },
  {
    name: 'mysql://',
    form: 'url',
    text: 'mysql://app:OLD@db.example.com:3306/shop',
    fields: { ...postgres, engine: 'mysql', port: '3306' },
  },
  {
    name: 'mongodb:// with several hosts',
    form: 'url',
    text: 'mongodb://app:OLD@db.example.com:27017,db2.example.com:27018/shop?replicaSet=rs0&tls=true',
    fields: {
      ...postgres,
      engine: 'mongo',
      port: '27017',
      hosts: 'db.example.com:27017,db2.example.com:27018',
      replicaSet: 'rs0',
      ssl: true,
    },
  },
  {
    name: 'redis:// with a password alone',
    form: 'url',
    text: 'rediss://:OLD@db.example.com:6379/0',
    fields: {
      engine: 'redis',
      host: 'db.example.com',
      port: '6379',
      dbname: '0',
      password: 'OLD',
      ssl: true,
    },
  },
  {
    name: 'sqlserver://',
    form: 'url',
    text: 'sqlserver://app:OLD@db.example.com:1433/inst?database=shop&encrypt=true',
    fields: { ...sqlServer, host: 'db.example.com\\inst', port: '1433', ssl: true },
  },
  {
    name: 'libpq',
    form: 'libpq',
    text: "host = db.example.com user=app  password='OLD' dbname=shop sslmode=require",
    fields: { ...postgres, ssl: true },
  },
  {
    name: 'JDBC of SQL Server',
    form: 'jdbc',
    text: 'jdbc:sqlserver://db.example.com\\inst:1433;databaseName=shop;user=app;password={OLD};encrypt=true;',
    fields: { ...sqlServer, host: 'db.example.com\\inst', port: '1433', ssl: true },
  },
  {
    name: "Prisma's sqlserver://",
    form: 'jdbc',
    text: 'sqlserver://db.example.com:1433;database=shop;user=app;password=OLD',
    fields: { ...sqlServer, port: '1433' },
  },
  {
    name: 'JDBC of PostgreSQL',
    form: 'jdbc',
    text: 'jdbc:postgresql://db.example.com:5433/shop?user=app&ssl=true&password=OLD&ApplicationName=x',
    fields: { ...postgres, port: '5433', ssl: true, ApplicationName: 'x' },
  },
  {
    name: 'a token',
    form: 'text',
    text: 'OLD-and-0123456789abcdef\n',
    fields: { password: 'OLD-and-0123456789abcdef' },
  },
];

/** Values that break code which pastes instead of quoting. */
export const hostileValues = [
  '',
  ' ',
  ' a ',
  '"',
  "'",
  `a"b'c`,
  '{',
  '}',
  '{}',
  'a}}b',
  '{a}',
  ';',
  'a;b=c',
  '==',
  '=a',
  'a;;b',
  '%',
  '%41',
  '100%25',
  'a%zz',
  '+',
  'a b+c',
  '\\',
  "\\'",
  'a\\',
  '#?/@:&',
  'p@ss@host',
  'a,b',
  '$$ $1 `x`',
  'пароль 密码 🔑 é',
  '\u00a0x\u2003',
  '\t\r\n',
  '-- /* */ //',
];

/** Any text that a database takes for a password: no NUL, no half of a surrogate pair. */
export const anyValue: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(...hostileValues),
  fc.string({ unit: fc.constantFrom(...'ab"\'{};=%+\\ @:/?#&$,\u00a0é🔑') }),
  fc.string({ unit: 'binary' }).filter((text) => !text.includes('\0') && text.isWellFormed()),
);
