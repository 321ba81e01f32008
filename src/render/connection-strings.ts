import type { FormName } from '../documents/form.ts';

/** The forms of connection strings that can be made. */
export type StringForm = Extract<FormName, 'url' | 'ado-net' | 'odbc' | 'libpq' | 'jdbc'>;

/** Engines whose connection strings are known. */
export type Engine = 'postgres' | 'redshift' | 'sqlserver' | 'mysql' | 'mariadb' | 'mongo' | 'redis' | 'amqp';

/** A connection string's server and database. */
export interface Place {
  readonly engine: Engine;
  readonly host: string;
  /** A named instance of SQL Server. */
  readonly instance: string | undefined;
  readonly port: string | undefined;
  readonly dbname: string | undefined;
  /** Undefined: the secret does not say. */
  readonly ssl: boolean | undefined;
}

/** A connection string without its credential, and whether it has the database already. */
export interface Skeleton {
  readonly base: string;
  readonly dbname: 'included' | 'separate';
}

type Maker = (place: Place) => Skeleton | undefined;

/** Makes the skeleton of a form; undefined for an engine without this form. */
export const skeletons: Readonly<Record<StringForm, Maker>> = {
  url: urlOf,
  jdbc: jdbcOf,
  'ado-net': adoNetOf,
  odbc: odbcOf,
  libpq: libpqOf,
};

/** `ssl: true` means TLS with a verified certificate. @see https://www.postgresql.org/docs/current/libpq-ssl.html */
function libpqOf({ engine, host, port, ssl }: Place): Skeleton | undefined {
  if (engine !== 'postgres' && engine !== 'redshift') return undefined;
  const mode = ssl === undefined ? '' : ` sslmode=${ssl ? 'verify-full' : 'disable'}`;
  return { base: `host=${host}${port === undefined ? '' : ` port=${port}`}${mode}`, dbname: 'separate' };
}

const schemes: Readonly<Record<Engine, string>> = {
  postgres: 'postgresql',
  redshift: 'postgresql',
  sqlserver: 'sqlserver',
  mysql: 'mysql',
  mariadb: 'mariadb',
  mongo: 'mongodb',
  redis: 'redis',
  amqp: 'amqp',
};

function urlOf(place: Place): Skeleton {
  const { engine, dbname, ssl, instance } = place;
  const scheme =
    (engine === 'redis' || engine === 'amqp') && ssl === true ? `${schemes[engine]}s` : schemes[engine];
  const query = new URLSearchParams();
  const isSqlServer = engine === 'sqlserver';
  if (isSqlServer && dbname !== undefined) query.set('database', dbname);
  const [name, on, off] = urlTls[engine] ?? [];
  if (ssl !== undefined && name !== undefined) query.set(name, (ssl ? on : off) ?? '');
  const path = isSqlServer ? instance : dbname;
  // Every reader takes %20 for a space, but not every one a plus sign.
  const parameters = query.size === 0 ? '' : `?${query.toString().replaceAll('+', '%20')}`;
  const base = `${scheme}://${authority(place)}${path === undefined ? '' : `/${encodeURIComponent(path)}`}${parameters}`;
  return { base, dbname: 'included' };
}

const urlTls: Partial<Record<Engine, readonly [name: string, on: string, off: string]>> = {
  postgres: ['sslmode', 'verify-full', 'disable'],
  redshift: ['sslmode', 'verify-full', 'disable'],
  sqlserver: ['encrypt', 'true', 'disable'],
  mysql: ['ssl-mode', 'VERIFY_IDENTITY', 'DISABLED'],
  mariadb: ['ssl-mode', 'VERIFY_IDENTITY', 'DISABLED'],
  mongo: ['tls', 'true', 'false'],
};

function authority({ host, port }: Place): string {
  const name = host.includes(':') ? `[${host}]` : host;
  return port === undefined ? name : `${name}:${port}`;
}

function jdbcOf(place: Place): Skeleton | undefined {
  const { engine, dbname, ssl, instance } = place;
  if (engine === 'sqlserver') {
    const named = instance === undefined ? '' : `\\${instance}`;
    const [host, port = ''] = [authority({ ...place, port: undefined }), place.port && `:${place.port}`];
    const encrypt = ssl === undefined ? '' : `;encrypt=${ssl}`;
    return { base: `jdbc:sqlserver://${host}${named}${port}${encrypt}`, dbname: 'separate' };
  }
  const tls = jdbcTls[engine];
  if (tls === undefined) return undefined;
  const query = ssl === undefined ? '' : `?${tls[0]}=${ssl ? tls[1] : tls[2]}`;
  const scheme = engine === 'postgres' ? 'postgresql' : engine;
  return {
    base: `jdbc:${scheme}://${authority(place)}/${encodeURIComponent(dbname ?? '')}${query}`,
    dbname: 'included',
  };
}

const jdbcTls: Partial<Record<Engine, readonly [name: string, on: string, off: string]>> = {
  postgres: ['sslmode', 'verify-full', 'disable'],
  redshift: ['sslmode', 'verify-full', 'disable'],
  mysql: ['sslMode', 'VERIFY_IDENTITY', 'DISABLED'],
  mariadb: ['sslMode', 'verify-full', 'disable'],
};

function adoNetOf({ engine, host, instance, port, ssl }: Place): Skeleton | undefined {
  if (engine === 'sqlserver') {
    const server = `tcp:${host}${instance === undefined ? '' : `\\${instance}`}${port === undefined ? '' : `,${port}`}`;
    const encrypt = ssl === undefined ? '' : `;Encrypt=${ssl ? 'True' : 'False'}`;
    return { base: `Server=${server}${encrypt}`, dbname: 'separate' };
  }
  if (engine === 'postgres' || engine === 'redshift') {
    const tls = ssl === undefined ? '' : `;SSL Mode=${ssl ? 'VerifyFull' : 'Disable'}`;
    return { base: `Host=${host}${port === undefined ? '' : `;Port=${port}`}${tls}`, dbname: 'separate' };
  }
  if (engine !== 'mysql' && engine !== 'mariadb') return undefined;
  const tls = ssl === undefined ? '' : `;SslMode=${ssl ? 'VerifyFull' : 'Disabled'}`;
  return { base: `Server=${host}${port === undefined ? '' : `;Port=${port}`}${tls}`, dbname: 'separate' };
}

/** Only SQL Server's and Postgres's drivers: other drivers have their version in their name. */
function odbcOf({ engine, host, instance, port, ssl }: Place): Skeleton | undefined {
  if (engine === 'sqlserver') {
    const server = `tcp:${host}${instance === undefined ? '' : `\\${instance}`}${port === undefined ? '' : `,${port}`}`;
    const encrypt = ssl === undefined ? '' : `;Encrypt=${ssl ? 'yes' : 'no'}`;
    return { base: `Driver={ODBC Driver 18 for SQL Server};Server=${server}${encrypt}`, dbname: 'separate' };
  }
  if (engine !== 'postgres') return undefined;
  const tls = ssl === undefined ? '' : `;SSLmode=${ssl ? 'verify-full' : 'disable'}`;
  const at = port === undefined ? '' : `;Port=${port}`;
  return { base: `Driver={PostgreSQL Unicode};Server=${host}${at}${tls}`, dbname: 'separate' };
}
