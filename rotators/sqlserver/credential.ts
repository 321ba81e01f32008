import { X509Certificate } from 'node:crypto';
import {
  contradictoryField,
  optionalPort,
  optionalSsl,
  optionalText,
  requireText,
  type SecretFields,
  type Target,
} from '../../src/rotator/index.ts';
import {
  checked,
  type DatabaseLogin,
  optionalHostName,
  optionalKeyword,
  type Rule,
  requireEngine,
  requireLength,
  visibleName,
} from '../database/login.ts';
import type { Paired } from '../database/rotators.ts';
import { fitsLiteral, fitsName } from './quoting.ts';
import { isHostName, parseServerName, type ServerName } from './server-name.ts';

/** Values of `engine` that mean SQL Server: AWS's name, and the editions as RDS calls them. */
export const engines: readonly string[] = [
  'sqlserver',
  'sqlserver-ee',
  'sqlserver-se',
  'sqlserver-ex',
  'sqlserver-web',
  'custom-sqlserver-ee',
  'custom-sqlserver-se',
  'custom-sqlserver-web',
  'custom-sqlserver-dev',
];

/**
 * A login to a SQL Server, or a user of a contained database. `ssl: false` means TLS without verifying the certificate:
 * drivers encrypt the login in the same way with `Encrypt=False`. If the server has no TLS, `ssl: false` and an absent
 * `ssl` mean plaintext, if the function allows it.
 */
export interface SqlServerCredential extends DatabaseLogin {
  /** The server's name or address. */
  readonly host: string;
  /** Undefined for a named instance: the SQL Server Browser tells its port. */
  readonly port: number | undefined;
  /** The named instance; undefined if there is none or the port is known. */
  readonly instance: string | undefined;
  /** Default: `master`. */
  readonly database: string;
  /** `Encrypt=Strict`: TLS before the first byte of TDS (TDS 8), always verified. */
  readonly strict: boolean;
  /** PEM of the one certificate to accept from the server (`ServerCertificate`). */
  readonly serverCertificate: string | undefined;
  /** Whether `ServerCertificate` names a file of the application's machine. The function does not have that file. */
  readonly certificateFile: boolean;
  /**
   * `ApplicationIntent=ReadOnly`: a listener of an availability group sends the application to a readable secondary. The
   * password is still changed at the primary.
   */
  readonly readOnlyIntent: boolean;
  /** Other servers with a login of the same name, password and SID. Undefined if the secret does not say. */
  readonly replicas: readonly Place[] | undefined;
  /** `TrustServerCertificate`. Only the function can grant it: see `SqlServerOptions`. */
  readonly wantsTrustServerCertificate: boolean;
  /** The other server of a mirrored database. It is tried if the first can't be reached. */
  readonly failoverPartner: Place | undefined;
}

/** A login of one of two users that take turns. */
export type AlternatingCredential = Paired<SqlServerCredential>;

/** Where a server listens: a port, or a named instance whose port the SQL Server Browser tells. */
export type Place = Pick<SqlServerCredential, 'host' | 'port' | 'instance'>;

/** In UTF-16 units, which is how LOGIN7 counts. */
const longestPassword = 128;

/**
 * Reads AWS's secret structure for SQL Server, and also the keywords of connection strings.
 *
 * @throws InvalidSecretField
 * @see https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_secret_json_structure.html
 */
export function parseCredential(fields: SecretFields): SqlServerCredential {
  requireEngine(fields, engines, (engine) => engine.startsWith('custom-sqlserver-'));
  const partner = optionalKeyword(fields, 'failoverpartner');
  const place = parsePlace(fields);
  return {
    ...place,
    database: checked('dbname', optionalText(fields, 'dbname') ?? 'master', ...nameRules),
    username: withoutServer(parseAccountName(requireText(fields, 'username'), 'username'), place.host),
    password: checked('password', requireText(fields, 'password'), ...passwordRules),
    ...parseEncryption(fields),
    serverName:
      optionalHostName(fields, 'sslservername', certificateName) ??
      optionalHostName(fields, 'hostnameincertificate', certificateName),
    readOnlyIntent: parseIntent(fields),
    replicas: parseReplicas(fields),
    wantsTrustServerCertificate: /^(true|yes|1)$/i.test(String(fields.trustservercertificate)),
    failoverPartner:
      partner === undefined ? undefined : withoutIdleInstance(parseServerName(partner, 'failoverpartner')),
  };
}

const pem = /-----BEGIN CERTIFICATE-----[\s\S]+-----END CERTIFICATE-----/;

/** @see https://learn.microsoft.com/sql/relational-databases/security/networking/tds-8 */
function parseEncryption(
  fields: SecretFields,
): Pick<SqlServerCredential, 'ssl' | 'strict' | 'serverCertificate' | 'certificateFile'> {
  const ssl = optionalSsl(fields);
  const strict = /^strict$/i.test(optionalKeyword(fields, 'encrypt') ?? '');
  if (strict && ssl === false) throw contradictoryField('ssl', 'is false beside "encrypt": "strict"');
  const certificate = optionalKeyword(fields, 'servercertificate');
  const isPem = certificate !== undefined && pem.test(certificate);
  if (isPem && !isCertificate(certificate))
    throw contradictoryField('servercertificate', 'is no certificate that can be read');
  return {
    ssl: strict ? true : ssl,
    strict,
    serverCertificate: isPem ? certificate : undefined,
    certificateFile: certificate !== undefined && !isPem,
  };
}

function isCertificate(text: string): boolean {
  try {
    return new X509Certificate(text).subject !== undefined;
  } catch {
    return false;
  }
}

/**
 * The name of a login, or of a user with a password of its own. Neither can have a backslash (error 15006).
 *
 * @throws InvalidSecretField
 * @see https://learn.microsoft.com/sql/t-sql/statements/create-login-transact-sql
 */
export function parseAccountName(name: string, field: string): string {
  return checked(field, name, notOfWindows, ...nameRules);
}

/**
 * The login's name alone. In connection strings of Azure the name of the server may follow (`app@myserver`), for drivers
 * that don't send it otherwise.
 *
 * @see https://learn.microsoft.com/sql/connect/ado-net/connection-string-syntax
 */
function withoutServer(username: string, host: string): string {
  const [, server = ''] =
    /^([^.]+)\.database\.(?:windows\.net|usgovcloudapi\.net|chinacloudapi\.cn)$/i.exec(host) ?? [];
  const suffix = `@${server}`;
  const hasSuffix = server !== '' && username.toLowerCase().endsWith(suffix.toLowerCase());
  return hasSuffix && username.length > suffix.length ? username.slice(0, -suffix.length) : username;
}

const notOfWindows: Rule = {
  fits: (name) => !name.includes('\\'),
  problem: 'holds a backslash, as the names of Windows accounts do, whose passwords SQL Server does not keep',
};

/** The rules for names in the catalogue. */
const nameRules: readonly Rule[] = [
  { fits: fitsName, problem: 'is longer than 128 characters or holds a NUL' },
  visibleName,
  { fits: (name) => name === name.trimEnd(), problem: 'ends with a space, which SQL Server ignores' },
];

const passwordRules: readonly Rule[] = [
  { fits: ({ length }) => length <= longestPassword, problem: 'is longer than 128 characters' },
  { fits: fitsLiteral, problem: 'holds a NUL, or a backslash before the end of a line' },
];

const certificateName: Rule = { fits: isHostName, problem: 'is no name of a host' };

/** A new password. @throws PasswordImpossible for one that SQL Server would not take */
export function newPassword(password: string): string {
  return requireLength(password, longestPassword, 'SQL Server');
}

function parsePlace(fields: SecretFields): Place {
  const server = parseServerName(requireText(fields, 'host'), 'host');
  const named =
    fields.port === undefined || fields.port === null ? undefined : optionalPort(fields, 'port', 1433);
  if (named !== undefined && server.port !== undefined && named !== server.port)
    throw contradictoryField('port', 'is another than the one in "host"');
  return withoutIdleInstance({ ...server, port: server.port ?? named });
}

/** As in ADO.NET: if there is a port, the name of the instance has no effect. */
function withoutIdleInstance({ host, instance, port }: ServerName): Place {
  if (port !== undefined) return { host, port, instance: undefined };
  return { host, port: instance === undefined ? 1433 : undefined, instance };
}

function parseIntent(fields: SecretFields): boolean {
  const intent = optionalKeyword(fields, 'applicationintent');
  if (intent === undefined || /^read\s?write$/i.test(intent)) return false;
  if (/^read\s?only$/i.test(intent)) return true;
  throw contradictoryField('applicationintent', 'is neither ReadOnly nor ReadWrite');
}

/** An availability group has at most so many beside the primary. */
const mostReplicas = 8;

function parseReplicas({ replicas }: SecretFields): readonly Place[] | undefined {
  if (replicas === undefined || replicas === null) return undefined;
  const names: unknown[] = Array.isArray(replicas) ? replicas : [undefined];
  if (names.length > mostReplicas)
    throw contradictoryField('replicas', `names more than ${mostReplicas} servers`);
  return names.map((name) => {
    if (typeof name !== 'string') throw contradictoryField('replicas', 'must be a list of servers');
    return withoutIdleInstance(parseServerName(name, 'replicas'));
  });
}

/** What a credential opens. @param account the username, or what a pair has in common */
export function targetOf(
  { database, failoverPartner, replicas = [], ...place }: SqlServerCredential,
  account: string,
): Target {
  const { port } = place;
  const further = failoverPartner === undefined ? replicas : [failoverPartner, ...replicas];
  return {
    host: hostOf(place),
    ...(port === undefined ? {} : { port }),
    database,
    ...(further.length === 0 ? {} : { endpoints: further.map(endpointOf) }),
    account,
  };
}

function hostOf({ host, instance }: Place): string {
  return instance === undefined ? host : `${host}\\${instance}`;
}

/** A place as text, by which places are compared and which people read. */
export function endpointOf(place: Place): string {
  const host = hostOf(place).toLowerCase();
  return place.port === undefined ? host : `${host},${place.port}`;
}
