/**
 * The engine that each name means, in URL schemes, in settings of frameworks and in AWS's secrets. Names are in lower case and
 * without separators. Engines have AWS's names, if AWS has one. A name that is not here is its own engine.
 *
 * @see https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_secret_json_structure.html
 */
const engineOfName: ReadonlyMap<string, string> = new Map(
  Object.entries({
    postgres: [
      'postgres',
      'postgresql',
      'pg',
      'pgsql',
      'psql',
      'pdopgsql',
      'postgis',
      'timescale',
      'timescaledb',
    ],
    'aurora-postgresql': ['aurorapostgresql', 'aurorapostgres'],
    sqlserver: ['sqlserver', 'mssql', 'sqlsrv', 'pdosqlsrv', 'mssqlserver', 'microsoftsqlserver'],
    mysql: ['mysql', 'mysql2', 'mysqli', 'pdomysql', 'mysqlgis', 'mysqlx'],
    'aurora-mysql': ['auroramysql'],
    mariadb: ['mariadb'],
    mongo: ['mongo', 'mongodb', 'docdb', 'documentdb'],
    redis: ['redis', 'rediss'],
    valkey: ['valkey', 'valkeys'],
    redshift: ['redshift'],
    oracle: ['oracle'],
    db2: ['db2'],
    sybase: ['sybase'],
  }).flatMap(([engine, names]) => names.map((name) => [name, engine])),
);

const inFull = (name: string): string => name.toLowerCase().replace(/[\s_-]/g, '');

/** The engine that a name means, in any spelling. Undefined for an unknown name. */
export function knownEngine(name: string): string | undefined {
  const found = engineOfName.get(inFull(name));
  if (found !== undefined) return found;
  // RDS's editions: sqlserver-ee, custom-sqlserver-se, oracle-ee.
  if (/^(custom-)?(sqlserver|oracle)-[a-z0-9-]+$/i.test(name)) return name.toLowerCase();
  // Django's backends, and packages that add one: django.db.backends.postgresql, mssql.
  const [, backend] =
    /^(?:django|psqlextra|dj_db_conn_pool)\.(?:[\w.]*\.)?(\w+?)(?:_psycopg2)?$/i.exec(name) ?? [];
  return backend === undefined ? undefined : engineOfName.get(inFull(backend));
}

/** As {@link knownEngine}, but an unknown name is returned as it is. */
export function engineOf(name: string): string {
  return knownEngine(name) ?? name;
}

/** The family of an engine, such as `mysql` for MariaDB and `oracle` for oracle-ee. Undefined for an unknown name. */
export function engineFamily(engine: unknown): string | undefined {
  if (typeof engine !== 'string') return undefined;
  const [family] =
    /postgres|sqlserver|mysql|mariadb|mongo|redis(?!hift)|redshift|valkey|oracle/.exec(engineOf(engine)) ??
    [];
  if (family === 'mariadb') return 'mysql';
  return family === 'valkey' ? 'redis' : family;
}

/**
 * The engine of a URL, by all that stands before its two slashes: `postgresql+asyncpg`, `jdbc:aws-wrapper:postgresql`,
 * `jdbc:mysql:loadbalance`, `r2dbc:pool:mssql`. What follows a plus sign names a driver, except in Celery's
 * `db+postgresql`. A scheme that is not known is its own engine.
 */
export function engineOfScheme(scheme: string): string {
  return engineOfKnownScheme(scheme) ?? scheme.split(':').at(-1)?.replace(/\+.*$/, '') ?? scheme;
}

/** As {@link engineOfScheme}, but undefined for a scheme that is no database's. */
export function engineOfKnownScheme(scheme: string): string | undefined {
  // Prisma's own service, whose key is no password of a Postgres.
  if (/^prisma/i.test(scheme)) return undefined;
  // Celery writes the kind of its store before the plus sign: db+postgresql.
  const names = scheme.split(':').flatMap((part) => part.split('+').slice(0, /^db\+/.test(part) ? 2 : 1));
  for (const name of names) {
    const found = knownEngine(name);
    if (found !== undefined) return found;
  }
  return undefined;
}
