import type { DocumentHints, FormName, SecretFields } from '../../src/index.ts';

/** A secret as people keep it, and how it is read. The tests put a long, unusual password in the place of OLD. */
export interface RealDocument {
  /** Which framework, driver or habit it comes from. docs/forms.md shows it. */
  readonly name: string;
  readonly text: string;
  readonly form: FormName;
  readonly fields: SecretFields;
  /** How many places hold the password. Default: 1. */
  readonly places?: number;
  readonly hints?: DocumentHints;
}

const login = { username: 'app', password: 'OLD' };
const at = (engine: string, more: SecretFields = {}): SecretFields => ({
  engine,
  host: 'db',
  ...login,
  dbname: 'shop',
  ...more,
});
const json = (value: unknown): string => JSON.stringify(value);

/** One value: URLs of drivers, strings of all forms. */
const strings: readonly RealDocument[] = [
  ...(
    [
      ['SQLAlchemy with asyncpg', 'postgresql+asyncpg', 'postgres'],
      ['SQLAlchemy with psycopg2', 'postgresql+psycopg2', 'postgres'],
      ['SQLAlchemy with psycopg', 'postgresql+psycopg', 'postgres'],
      ['SQLAlchemy with pg8000', 'postgresql+pg8000', 'postgres'],
      ['Heroku', 'postgres', 'postgres'],
      ['GeoDjango', 'postgis', 'postgres'],
      ['django-environ', 'psql', 'postgres'],
      ['PHP', 'pgsql', 'postgres'],
      ['Doctrine', 'pdo-pgsql', 'postgres'],
      ['R2DBC', 'r2dbc:postgresql', 'postgres'],
      ['R2DBC with a pool', 'r2dbc:pool:postgresql', 'postgres'],
      ['SQLAlchemy with PyMySQL', 'mysql+pymysql', 'mysql'],
      ['SQLAlchemy with aiomysql', 'mysql+aiomysql', 'mysql'],
      ['SQLAlchemy with MariaDB', 'mariadb+mariadbconnector', 'mariadb'],
      ['Rails', 'mysql2', 'mysql'],
      ['R2DBC of MySQL', 'r2dbc:mysql', 'mysql'],
      ['SQLAlchemy with pymssql', 'mssql+pymssql', 'sqlserver'],
      ['R2DBC of SQL Server', 'r2dbc:mssql', 'sqlserver'],
      ['node-mssql', 'mssql', 'sqlserver'],
      ['Redshift', 'redshift+psycopg2', 'redshift'],
    ] as const
  ).map(
    ([name, scheme, engine]): RealDocument => ({
      name: `a URL of ${name}`,
      text: `${scheme}://app:OLD@db:1234/shop`,
      form: 'url',
      fields: at(engine, { port: '1234' }),
    }),
  ),
  {
    name: 'a URL of SQLAlchemy with a parameter for each host',
    text: 'postgresql+psycopg2://app:OLD@/shop?host=db1:5432&host=db2:5433',
    form: 'url',
    fields: at('postgres', { host: 'db1:5432,db2:5433' }),
  },
  {
    name: "PHP's data source name",
    text: 'pgsql:host=db;port=5433;dbname=shop;user=app;password=OLD',
    form: 'libpq',
    fields: at('postgres', { port: '5433' }),
  },
  {
    name: 'a URL of SQLAlchemy with pyodbc and a driver',
    text: 'mssql+pyodbc://app:OLD@db:1433/shop?driver=ODBC+Driver+18+for+SQL+Server&Encrypt=yes&TrustServerCertificate=no',
    form: 'url',
    fields: at('sqlserver', {
      port: '1433',
      ssl: true,
      trustservercertificate: false,
      driver: 'ODBC Driver 18 for SQL Server',
    }),
  },
  {
    name: 'a URL of SQLAlchemy with an ODBC string in it',
    text: 'mssql+pyodbc:///?odbc_connect=Driver%3D%7BODBC+Driver+18+for+SQL+Server%7D%3BServer%3Ddb%2C1433%3BDatabase%3Dshop%3BUID%3Dapp%3BPWD%3DOLD%3BEncrypt%3Dyes',
    form: 'url',
    fields: at('sqlserver', { port: '1433', ssl: true }),
  },
  {
    name: "go-mssqldb's URL",
    text: 'sqlserver://app:OLD@db:1433?database=shop&encrypt=disable',
    form: 'url',
    fields: at('sqlserver', { port: '1433', ssl: false }),
  },
  {
    name: "go-mssqldb's odbc: string",
    text: 'odbc:server=db;user id=app;password={OLD};database=shop',
    form: 'odbc',
    fields: at('sqlserver'),
  },
  {
    name: 'the AWS JDBC wrapper',
    text: 'jdbc:aws-wrapper:postgresql://db:5432/shop?user=app&password=OLD&wrapperPlugins=failover,efm2',
    form: 'jdbc',
    fields: at('postgres', { port: '5432' }),
  },
  {
    name: 'JDBC of MySQL with a source and a replica',
    text: 'jdbc:mysql:replication://db,db2/shop?user=app&password=OLD',
    form: 'jdbc',
    fields: at('mysql', { hosts: 'db,db2' }),
  },
  {
    name: 'JDBC of MySQL with the user before the host',
    text: 'jdbc:mysql://app:OLD@db/shop',
    form: 'jdbc',
    fields: at('mysql'),
  },
  {
    name: 'jTDS',
    text: 'jdbc:jtds:sqlserver://db:1433/shop;instance=i;user=app;password=OLD;ssl=require',
    form: 'jdbc',
    fields: at('sqlserver', { host: 'db\\i', port: '1433', ssl: true }),
  },
  {
    name: 'mssql-jdbc with server and port as properties',
    text: 'jdbc:sqlserver://;serverName=db;port=1433;database=shop;userName=app;password=OLD;encrypt=strict',
    form: 'jdbc',
    fields: at('sqlserver', { port: '1433', ssl: true, encrypt: 'strict' }),
  },
  {
    name: 'Prisma for SQL Server',
    text: 'sqlserver://db:1433;initial catalog=shop;username=app;pwd=OLD;encrypt=true',
    form: 'jdbc',
    fields: at('sqlserver', { port: '1433', ssl: true }),
  },
  {
    name: 'Npgsql with the keyword Server',
    text: 'Server=db;Port=5432;Database=shop;User Id=app;Password=OLD;',
    form: 'ado-net',
    fields: at('postgres', { port: '5432' }),
  },
  {
    name: 'Npgsql with the keyword PSW',
    text: 'Host=db;Database=shop;User Name=app;PSW=OLD;SSL Mode=Require',
    form: 'ado-net',
    fields: at('postgres', { ssl: true }),
  },
  {
    name: 'MySqlConnector',
    text: 'Server=db;Port=3306;Database=shop;Uid=app;Pwd=OLD;SslMode=Required',
    form: 'ado-net',
    fields: at('mysql', { port: '3306', ssl: true }),
  },
  {
    name: 'SqlClient in several lines',
    text: '\ufeffServer=tcp:db,1433;\r\n  Database=shop;\r\n  User ID=app;\r\n  Password=OLD;\r\n  Encrypt=Mandatory;\r\n',
    form: 'ado-net',
    fields: at('sqlserver', { port: '1433', ssl: true }),
  },
  {
    name: 'SqlClient with Encrypt=Optional',
    text: 'Data Source=db;Initial Catalog=shop;UID=app;PWD=OLD;Encrypt=Optional;Integrated Security=False',
    form: 'ado-net',
    fields: at('sqlserver', { ssl: false }),
  },
  {
    name: 'Entity Framework',
    text: 'metadata=res://*/M.csdl|res://*/M.ssdl;provider=System.Data.SqlClient;provider connection string="data source=db;initial catalog=shop;user id=app;password=OLD;App=EF"',
    form: 'ado-net',
    fields: at('sqlserver'),
  },
  {
    name: 'ODBC of SQL Server',
    text: 'DRIVER={ODBC Driver 17 for SQL Server};SERVER=db;DATABASE=shop;UID=app;PWD=OLD',
    form: 'odbc',
    fields: at('sqlserver'),
  },
  {
    name: 'ODBC of FreeTDS',
    text: 'Driver=FreeTDS;Server=db;Port=1433;Database=shop;TDS_Version=7.4;Encryption=require;UID=app;PWD=OLD',
    form: 'odbc',
    fields: at('sqlserver', { port: '1433' }),
  },
  {
    name: 'ODBC of Postgres',
    text: 'Driver={PostgreSQL Unicode};Servername=db;Port=5432;Database=shop;Username=app;Password=OLD;SSLmode=verify-full',
    form: 'odbc',
    fields: at('postgres', { port: '5432', ssl: true }),
  },
  {
    name: 'ODBC of MySQL',
    text: 'Driver={MySQL ODBC 8.0 Unicode Driver};Server=db;Database=shop;User=app;Password=OLD',
    form: 'odbc',
    fields: at('mysql'),
  },
  {
    name: 'libpq',
    text: 'host=db port=5432 dbname=shop user=app password=OLD sslmode=verify-full\n',
    form: 'libpq',
    fields: at('postgres', { port: '5432', ssl: true }),
  },
  {
    name: 'libpq in several lines',
    text: 'host=db\nport=5432\ndbname=shop\nuser=app\npassword=OLD\n',
    form: 'libpq',
    fields: at('postgres', { port: '5432' }),
  },
  {
    name: 'Redis over TLS',
    text: 'rediss://default:OLD@db:6380/0',
    form: 'url',
    fields: { engine: 'redis', host: 'db', port: '6380', username: 'default', password: 'OLD', ssl: true },
  },
  {
    name: 'MongoDB Atlas',
    text: 'mongodb+srv://app:OLD@db/shop?retryWrites=true&w=majority',
    form: 'url',
    fields: at('mongo', { ssl: true }),
  },
];

/** JSON of AWS, of frameworks and of drivers. */
const objects: readonly RealDocument[] = [
  {
    name: "AWS's JSON for RDS",
    text: json({
      ...login,
      engine: 'postgres',
      host: 'db',
      port: 5432,
      dbname: 'shop',
      dbInstanceIdentifier: 'x',
    }),
    form: 'json',
    fields: at('postgres', { port: 5432 }),
  },
  {
    name: "AWS's JSON for DocumentDB",
    text: json({ ...login, engine: 'mongo', host: 'db', port: 27017, ssl: true, dbClusterIdentifier: 'x' }),
    form: 'json',
    fields: { engine: 'mongo', host: 'db', ...login, ssl: true },
  },
  {
    name: "AWS's JSON for Redshift",
    text: json({ ...login, engine: 'redshift', host: 'db', port: 5439, dbname: 'shop' }),
    form: 'json',
    fields: at('redshift', { port: 5439 }),
  },
  ...(
    [
      ['postgresql', 'postgres'],
      ['Postgres', 'postgres'],
      ['PostgreSQL', 'postgres'],
      ['Aurora-PostgreSQL', 'aurora-postgresql'],
      ['mssql', 'sqlserver'],
      ['SQL Server', 'sqlserver'],
      ['SqlServer-EE', 'sqlserver-ee'],
      ['MySQL', 'mysql'],
      ['MongoDB', 'mongo'],
    ] as const
  ).map(
    ([spelling, engine]): RealDocument => ({
      name: `an engine spelled ${spelling}`,
      text: json({ ...login, engine: spelling, host: 'db:5432', dbname: '', ssl: 'require' }),
      form: 'json',
      fields: { engine, host: 'db', port: '5432', ...login, ssl: true },
    }),
  ),
  {
    name: 'JSON with a byte order mark, and sslmode',
    text: `\ufeff${json({ ...login, engine: 'postgres', host: 'db', dbname: 'shop', sslmode: 'verify-full' })}\r\n`,
    form: 'json',
    fields: at('postgres', { ssl: true }),
  },
  {
    name: 'a URL beside a password',
    text: json({ DATABASE_URL: 'postgres://app:OLD@db/shop', DB_PASSWORD: 'OLD' }),
    form: 'json',
    fields: at('postgres'),
    places: 2,
  },
  {
    name: 'the URLs of a writer and of a reader',
    text: json({ writer: 'postgres://app:OLD@db/shop', reader: 'postgres://app:OLD@db-ro/shop' }),
    form: 'json',
    fields: at('postgres'),
    places: 2,
  },
  {
    name: "AWS's fields beside a URL of another host",
    text: json({
      ...login,
      engine: 'postgres',
      host: 'db',
      dbname: 'shop',
      url: 'postgresql://app:OLD@pooler:6432/shop',
    }),
    form: 'json',
    fields: at('postgres'),
    places: 2,
  },
  {
    name: 'a SQLAlchemy URL beside single fields',
    text: json({
      DB_HOST: 'db',
      DB_USER: 'app',
      DB_PASS: 'OLD',
      DB_NAME: 'shop',
      SQLALCHEMY_DATABASE_URI: 'postgresql+asyncpg://app:OLD@db/shop',
    }),
    form: 'json',
    fields: at('postgres'),
    places: 2,
  },
  {
    name: 'the URLs of a reader and of a writer',
    text: json({ reader: 'postgres://app:OLD@db-ro/shop', writer: 'postgres://app:OLD@db/shop' }),
    form: 'json',
    fields: at('postgres'),
    places: 2,
  },
  {
    name: 'TypeORM with replication',
    text: json({
      type: 'postgres',
      replication: {
        slaves: [{ host: 'db-ro', port: 5433, username: 'app', password: 'OLD', database: 'shop' }],
        master: { host: 'db', port: 5432, username: 'app', password: 'OLD', database: 'shop' },
      },
    }),
    form: 'json',
    fields: at('postgres', { port: 5432 }),
    places: 2,
  },
  {
    name: 'a URL beside the one of Celery',
    text: json({
      DATABASE_URL: 'postgres://app:OLD@db/shop',
      CELERY_RESULT_BACKEND: 'db+postgresql://app:OLD@db/shop',
    }),
    form: 'json',
    fields: at('postgres'),
    places: 2,
  },
  {
    name: "PHP's data source name beside a user",
    text: json({ dsn: 'pgsql:host=db;port=5433;dbname=shop', username: 'app', password: 'OLD' }),
    form: 'json',
    fields: at('postgres', { port: '5433' }),
  },
  {
    name: "PHP's data source name of SQL Server",
    text: json({ dsn: 'sqlsrv:Server=db,1433;Database=shop', username: 'app', password: 'OLD' }),
    form: 'json',
    fields: at('sqlserver', { port: '1433' }),
  },
  {
    name: "PHP's data source name of MySQL",
    text: json({ dsn: 'mysql:host=db;port=3307;dbname=shop', username: 'app', password: 'OLD' }),
    form: 'json',
    fields: at('mysql', { port: '3307' }),
  },
  {
    name: 'a connection string without a login, beside a user and a password',
    text: json({ ConnectionString: 'Server=db,1434;Database=shop', User: 'app', Password: 'OLD' }),
    form: 'json',
    fields: { host: 'db', port: '1434', ...login, dbname: 'shop' },
  },
  {
    name: 'a URL that refers to a password',
    text: json({
      DB_HOST: 'db',
      DB_PASSWORD: 'OLD',
      DATABASE_URL: 'postgres://app:${DB_PASSWORD}@${DB_HOST}:5433/shop',
    }),
    form: 'json',
    fields: at('postgres', { port: '5433' }),
  },
  {
    name: 'URLs in a list',
    text: json({ nodes: ['postgres://app:OLD@db/shop', 'postgres://app:OLD@db2/shop'] }),
    form: 'json',
    fields: at('postgres'),
    places: 2,
  },
  {
    name: 'JSON in a string of JSON',
    text: json({ config: json({ ...login, engine: 'postgres', host: 'db', dbname: 'shop' }) }),
    form: 'json',
    fields: at('postgres'),
  },
  {
    name: 'a URL with a placeholder of its reader, beside the password',
    text: json({ ...login, host: 'db', template: 'postgres://app:<password>@db:5433/shop' }),
    form: 'json',
    fields: at('postgres', { port: '5433' }),
  },
  {
    name: 'a list in a string of JSON',
    text: json({
      connections: json([{ engine: 'postgres', host: 'db', user: 'app', password: 'OLD', dbname: 'shop' }]),
    }),
    form: 'json',
    fields: at('postgres'),
  },
  {
    name: 'a file of KEY=value lines in a string of JSON',
    text: json({
      '.env':
        '# of the shop\nDB_HOST=db\nDB_USER=app\nexport DB_PASSWORD="OLD"\nURL=postgres://app:OLD@db/shop\n',
    }),
    form: 'json',
    fields: at('postgres'),
    places: 2,
  },
  {
    name: "Prisma's two URLs",
    text: json({
      DATABASE_URL: 'postgresql://app:OLD@db:6432/shop?schema=public&pgbouncer=true',
      DIRECT_URL: 'postgresql://app:OLD@db:5432/shop',
    }),
    form: 'json',
    fields: at('postgres', { port: '6432' }),
    places: 2,
  },
  {
    name: "Django's DATABASES",
    text: json({
      default: {
        ENGINE: 'django.db.backends.postgresql',
        NAME: 'shop',
        USER: 'app',
        PASSWORD: 'OLD',
        HOST: 'db',
        PORT: '5432',
      },
    }),
    form: 'json',
    fields: at('postgres', { port: '5432' }),
  },
  {
    name: "Django's DATABASES with a replica",
    text: json({
      default: {
        ENGINE: 'django.db.backends.postgresql',
        NAME: 'shop',
        USER: 'app',
        PASSWORD: 'OLD',
        HOST: 'db',
      },
      replica: {
        ENGINE: 'django.db.backends.postgresql',
        NAME: 'shop',
        USER: 'app',
        PASSWORD: 'OLD',
        HOST: 'db2',
      },
    }),
    form: 'json',
    fields: at('postgres'),
    places: 2,
  },
  {
    name: 'Spring with single properties',
    text: json({
      'spring.datasource.url': 'jdbc:postgresql://db:5432/shop',
      'spring.datasource.username': 'app',
      'spring.datasource.password': 'OLD',
    }),
    form: 'json',
    fields: at('postgres', { port: '5432' }),
  },
  {
    name: 'Spring with nested objects',
    text: json({
      spring: {
        datasource: { url: 'jdbc:sqlserver://db:1433;databaseName=shop', username: 'app', password: 'OLD' },
      },
    }),
    form: 'json',
    fields: at('sqlserver', { port: '1433' }),
  },
  {
    name: 'knex',
    text: json({ client: 'pg', connection: { host: 'db', user: 'app', password: 'OLD', database: 'shop' } }),
    form: 'json',
    fields: at('postgres'),
  },
  {
    name: 'Sequelize',
    text: json({
      production: { dialect: 'mssql', username: 'app', password: 'OLD', database: 'shop', host: 'db' },
    }),
    form: 'json',
    fields: at('sqlserver'),
  },
  {
    name: 'TypeORM',
    text: json({
      type: 'postgres',
      host: 'db',
      port: 5432,
      username: 'app',
      password: 'OLD',
      database: 'shop',
      ssl: { rejectUnauthorized: true },
    }),
    form: 'json',
    fields: at('postgres', { port: 5432, ssl: true }),
  },
  {
    name: 'node-mssql',
    text: json({ user: 'app', password: 'OLD', server: 'db', database: 'shop', options: { encrypt: true } }),
    form: 'json',
    fields: { host: 'db', ...login, dbname: 'shop', ssl: true },
  },
  {
    name: 'node-postgres',
    text: json({ user: 'app', password: 'OLD', host: 'db', port: 5432, database: 'shop', ssl: 'require' }),
    form: 'json',
    fields: { host: 'db', ...login, dbname: 'shop', ssl: true },
  },
  {
    name: "ASP.NET's appsettings",
    text: json({
      ConnectionStrings: {
        Default: 'Server=db;Database=shop;User Id=app;Password=OLD;',
        Reports: 'Server=db-ro;Database=shop;User Id=app;Password=OLD',
      },
    }),
    form: 'json',
    fields: at('sqlserver'),
    places: 2,
  },
  {
    name: 'settings in camel case',
    text: json({
      dbHost: 'db',
      dbPort: '5432',
      dbUser: 'app',
      dbPassword: 'OLD',
      dbName: 'shop',
      dbEngine: 'postgres',
    }),
    form: 'json',
    fields: at('postgres', { port: '5432' }),
  },
  {
    name: 'credentials in an object of their own',
    text: json({
      engine: 'postgres',
      host: 'db',
      dbname: 'shop',
      credentials: { username: 'app', password: 'OLD' },
    }),
    form: 'json',
    fields: at('postgres'),
  },
  {
    name: 'npm ioredis',
    text: json({ REDIS_HOST: 'db', REDIS_PORT: 6379, REDIS_PASSWORD: 'OLD' }),
    form: 'json',
    fields: { engine: 'redis', host: 'db', port: 6379, password: 'OLD' },
  },
  {
    name: 'an application with settings of other services',
    text: json({
      DB_HOST: 'db',
      DB_USERNAME: 'app',
      DB_PASSWORD: 'OLD',
      DB_DATABASE: 'shop',
      MAIL_HOST: 'smtp',
      MAIL_USERNAME: 'post',
      MAIL_PASSWORD: 'another-password-9',
      STRIPE_KEY: 'sk_live_1',
    }),
    form: 'json',
    fields: { host: 'db', ...login, dbname: 'shop' },
  },
];

/** KEY=value lines. */
const lines: readonly RealDocument[] = [
  {
    name: "Laravel's .env",
    text: 'APP_NAME=Shop\nAPP_KEY=base64:abcdefgh\n\nDB_CONNECTION=pgsql\nDB_HOST=db\nDB_PORT=5432\nDB_DATABASE=shop\nDB_USERNAME=app\nDB_PASSWORD=OLD\n\nREDIS_HOST=cache\nREDIS_PASSWORD=null\nMAIL_PASSWORD=null\n',
    form: 'env',
    fields: at('postgres', { port: '5432' }),
  },
  {
    name: 'Symfony',
    text: '# shop\nAPP_ENV=prod\nDATABASE_URL="postgresql://app:OLD@db:5432/shop?serverVersion=16&charset=utf8"\n',
    form: 'env',
    fields: at('postgres', { port: '5432' }),
  },
  {
    name: "libpq's variables",
    text: 'export PGHOST=db\nexport PGUSER=app\nexport PGPASSWORD="OLD"\nexport PGDATABASE=shop\nexport PGSSLMODE=verify-full\n',
    form: 'env',
    fields: at('postgres', { ssl: true }),
  },
  {
    name: "the Postgres image's variables",
    text: "POSTGRES_HOST=db\r\nPOSTGRES_USER='app'\r\nPOSTGRES_PASSWORD='OLD' # changed by Keyturn\r\nPOSTGRES_DB=shop\r\n",
    form: 'env',
    fields: at('postgres'),
  },
  {
    name: "the MySQL image's variables",
    text: 'MYSQL_HOST=db\nMYSQL_USER=app\nMYSQL_PASSWORD=OLD\nMYSQL_DATABASE=shop\nMYSQL_ROOT_PASSWORD=not-of-this-user-7\n',
    form: 'env',
    fields: at('mysql'),
  },
  {
    name: 'a URL beside lines for user and password',
    text: 'DATABASE_URL=postgres://app:OLD@db/shop\nDB_USER=app\nDB_PASSWORD=OLD\n',
    form: 'env',
    fields: at('postgres'),
    places: 2,
  },
  {
    name: 'one line alone',
    text: 'DATABASE_URL=mysql://app:OLD@db:3306/shop',
    form: 'env',
    fields: at('mysql', { port: '3306' }),
  },
  {
    name: "Spring's properties",
    text: 'spring.datasource.url=jdbc:postgresql://db:5432/shop\nspring.datasource.username=app\nspring.datasource.password=OLD\n',
    form: 'env',
    fields: at('postgres', { port: '5432' }),
  },
  {
    name: 'an ADO.NET string in a line',
    text: 'ASPNETCORE_ENVIRONMENT=Production\nConnectionStrings__Default="Server=db;Database=shop;User Id=app;Password=OLD"\n',
    form: 'env',
    fields: at('sqlserver'),
  },
  {
    name: 'JSON in a line',
    text: `LOG_LEVEL=info\nDB_CONFIG='${json({ ...login, engine: 'postgres', host: 'db', dbname: 'shop' })}'\n`,
    form: 'env',
    fields: at('postgres'),
  },
  {
    name: "AWS's names in lines",
    text: 'engine=postgres\nhost=db\nusername=app\npassword=OLD\ndbname=shop\n',
    form: 'env',
    fields: at('postgres'),
  },
  {
    name: 'lines that refer to others',
    text: 'DB_HOST=db\nDB_PORT=5433\nDB_USER=app\nDB_PASSWORD=OLD\nDATABASE_URL="postgres://$DB_USER:${DB_PASSWORD}@${DB_HOST}:${DB_PORT:-5432}/shop"\n',
    form: 'env',
    fields: at('postgres', { port: '5433' }),
  },
  {
    name: "Spring's placeholder",
    text: 'shop.db-phrase=OLD\nspring.datasource.url=jdbc:postgresql://db:5432/shop\nspring.datasource.username=app\nspring.datasource.password=${shop.db-phrase:none}\n',
    form: 'env',
    fields: at('postgres', { port: '5432' }),
  },
  {
    name: 'pg_service.conf',
    text: '# of the shop\n[shop]\nhost=db\nport=5433\nuser=app\npassword=OLD\ndbname=shop\nsslmode=verify-full\n',
    form: 'env',
    fields: { host: 'db', port: '5433', ...login, dbname: 'shop' },
  },
  {
    name: 'a URL without a password, beside the password',
    text: 'DATABASE_URL=postgres://app@db:5433/shop\nDB_PASSWORD=OLD\n',
    form: 'env',
    fields: at('postgres', { port: '5433' }),
  },
  {
    name: 'JSON in a line without quotes',
    text: 'DB_CONFIG={"host":"db","user":"app","password":"OLD"}\nLOG_LEVEL=info\n',
    form: 'env',
    fields: { host: 'db', ...login },
  },
  {
    name: "TOML, as Streamlit's secrets",
    text: '[connections.shop]\ndialect = "postgresql"\nhost = "db"\nport = "5432" # Postgres\nusername = "app"\npassword = "OLD"\ndatabase = "shop"\npool = 5\n',
    form: 'env',
    fields: at('postgres', { port: '5432' }),
  },
  {
    name: 'my.cnf',
    text: '[client]\nhost = db\nuser = app\npassword = OLD\ndatabase = shop\n',
    form: 'env',
    fields: { host: 'db', ...login, dbname: 'shop' },
  },
  {
    name: 'one line of an Azure App Service',
    text: 'SQLAZURECONNSTR_Default=Server=tcp:db,1433;Database=shop;User ID=app;Password=OLD',
    form: 'env',
    fields: at('sqlserver', { port: '1433' }),
  },
  {
    name: 'a line that is written twice',
    text: 'DB_HOST=db\nDB_USER=app\nDB_PASSWORD=OLD\nDB_PASSWORD=OLD\n',
    form: 'env',
    fields: { host: 'db', ...login },
    places: 2,
  },
  {
    name: 'your own names, given in the tag `keyturn:fields`',
    text: 'LOGIN_OF_SHOP=app\nPHRASE_OF_SHOP=OLD\nPLACE=db\n',
    form: 'env',
    fields: { host: 'db', ...login },
    hints: {
      fieldNames: new Map(
        Object.entries({ username: 'LOGIN_OF_SHOP', password: 'PHRASE_OF_SHOP', host: 'PLACE' }),
      ),
    },
  },
];

export const realDocuments: readonly RealDocument[] = [...strings, ...objects, ...lines];
