import { X509Certificate } from 'node:crypto';
import {
  contradictoryField,
  KeyturnError,
  optionalPort,
  optionalSsl,
  optionalText,
  requireText,
  type SecretFields,
  type Target,
} from '../../src/rotator/index.ts';
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

/** A login to a SQL Server, or a user of a contained database. */
export interface SqlServerCredential {
  readonly host: string;
  /** Undefined for a named instance, whose port the SQL Server Browser tells. */
  readonly port: number | undefined;
  readonly instance: string | undefined;
  readonly database: string;
  readonly username: string;
  readonly password: string;
  /**
   * `true`: verified TLS. `false`: TLS without a look at the certificate, as drivers encrypt a login with
   * `Encrypt=False`. Absent: verified TLS. Without TLS at the server, the last two are plaintext where the function allows it.
   */
  readonly ssl: boolean | undefined;
  /** `Encrypt=Strict`: TLS before the first byte of TDS (TDS 8), always verified. */
  readonly strict: boolean;
  /** PEM of the one certificate to accept from the server (`ServerCertificate`). */
  readonly serverCertificate: string | undefined;
  /** `ServerCertificate` names a file of the application's machine, which the function does not have. */
  readonly certificateFile: boolean;
  /** The name to expect in the server's certificate where it is not the host's. */
  readonly serverName: string | undefined;
  /**
   * `ApplicationIntent=ReadOnly`: a listener of an availability group sends the application to a readable secondary. A
   * change is made at the primary all the same.
   */
  readonly readOnlyIntent: boolean;
  /** Other servers with a login of the same name, password and SID; undefined where the secret does not speak of any. */
  readonly replicas: readonly Place[] | undefined;
  /** `TrustServerCertificate`: what the secret asks for and only the function can grant. */
  readonly asksToTrust: boolean;
  /** The other server of a mirrored database, tried where the first can't be reached. */
  readonly failoverPartner: Place | undefined;
}

/** Where a server listens: at a port, or at the one that the SQL Server Browser tells of a named instance. */
export type Place = Pick<SqlServerCredential, 'host' | 'port' | 'instance'>;

/** In UTF-16 units, which is how LOGIN7 counts. */
const longestPassword = 128;

/**
 * Reads AWS's secret structure for SQL Server, and the words of connection strings beside it.
 *
 * @throws InvalidSecretField
 * @see https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_secret_json_structure.html
 */
export function parseCredential(fields: SecretFields): SqlServerCredential {
  const engine = optionalText(fields, 'engine');
  if (engine !== undefined && !engines.includes(engine) && !engine.startsWith('custom-sqlserver-'))
    throw contradictoryField('engine', `is not ${engines.join(' or ')}`);
  const partner = keyword(fields, 'failoverpartner');
  return {
    ...parsePlace(fields),
    database: parseName(optionalText(fields, 'dbname') ?? 'master', 'dbname'),
    username: parseAccountName(requireText(fields, 'username'), 'username'),
    password: parsePassword(fields),
    ...parseEncryption(fields),
    serverName:
      parseCertificateName(fields, 'sslservername') ?? parseCertificateName(fields, 'hostnameincertificate'),
    readOnlyIntent: parseIntent(fields),
    replicas: parseReplicas(fields),
    asksToTrust: /^(true|yes|1)$/i.test(String(fields.trustservercertificate)),
    failoverPartner: partner === undefined ? undefined : placeOf(parseServerName(partner, 'failoverpartner')),
  };
}

const pem = /-----BEGIN CERTIFICATE-----[\s\S]+-----END CERTIFICATE-----/;

/** @see https://learn.microsoft.com/sql/relational-databases/security/networking/tds-8 */
function parseEncryption(
  fields: SecretFields,
): Pick<SqlServerCredential, 'ssl' | 'strict' | 'serverCertificate' | 'certificateFile'> {
  const ssl = optionalSsl(fields);
  const strict = /^strict$/i.test(keyword(fields, 'encrypt') ?? '');
  if (strict && ssl === false) throw contradictoryField('ssl', 'is false beside "encrypt": "strict"');
  const certificate = keyword(fields, 'servercertificate');
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

/** A keyword of a connection string, for which empty is as good as absent. */
function keyword(fields: SecretFields, name: string): string | undefined {
  return fields[name] === '' ? undefined : optionalText(fields, name);
}

/**
 * A login, or a user with a password of its own. Neither has a backslash (error 15006).
 *
 * @throws InvalidSecretField
 * @see https://learn.microsoft.com/sql/t-sql/statements/create-login-transact-sql
 */
export function parseAccountName(name: string, field: string): string {
  if (name.includes('\\'))
    throw contradictoryField(
      field,
      'holds a backslash, as the names of Windows accounts do, whose passwords SQL Server does not keep',
    );
  return parseName(name, field);
}

/**
 * A name of the catalogue. What a person can't see in it is refused: one name must not look like another.
 *
 * @throws InvalidSecretField
 */
function parseName(name: string, field: string): string {
  if (!fitsName(name)) throw contradictoryField(field, 'is longer than 128 characters or holds a NUL');
  if (/[\p{Cc}\p{Zl}\p{Zp}]/u.test(name)) throw contradictoryField(field, 'holds a control character');
  if (name !== name.trimEnd()) throw contradictoryField(field, 'ends with a space, which SQL Server ignores');
  return name;
}

function parsePassword(fields: SecretFields): string {
  const password = requireText(fields, 'password');
  if (password.length > longestPassword)
    throw contradictoryField('password', 'is longer than 128 characters');
  if (!fitsLiteral(password))
    throw contradictoryField('password', 'holds a NUL, or a backslash before the end of a line');
  return password;
}

function parseCertificateName(fields: SecretFields, field: string): string | undefined {
  const name = keyword(fields, field);
  if (name !== undefined && !isHostName(name)) throw contradictoryField(field, 'is no name of a host');
  return name;
}

/**
 * A new password.
 *
 * @throws PasswordImpossible for one that SQL Server would not take
 */
export function newPassword(password: string): string {
  if (password.length <= longestPassword) return password;
  throw new KeyturnError(
    'PasswordImpossible',
    `SQL Server takes passwords of at most ${longestPassword} characters, and one of ${password.length} was asked for.`,
    `Set PASSWORD_LENGTH to ${longestPassword} or less, and rotate again.`,
    { field: 'PASSWORD_LENGTH' },
  );
}

function parsePlace(fields: SecretFields): Place {
  const server = parseServerName(requireText(fields, 'host'), 'host');
  const named =
    fields.port === undefined || fields.port === null ? undefined : optionalPort(fields, 'port', 1433);
  if (named !== undefined && server.port !== undefined && named !== server.port)
    throw contradictoryField('port', 'is another than the one in "host"');
  return placeOf({ ...server, port: server.port ?? named });
}

/** As in ADO.NET: a port makes the instance's name idle. */
function placeOf({ host, instance, port }: ServerName): Place {
  if (port !== undefined) return { host, port, instance: undefined };
  return { host, port: instance === undefined ? 1433 : undefined, instance };
}

function parseIntent(fields: SecretFields): boolean {
  const intent = keyword(fields, 'applicationintent');
  if (intent === undefined || /^read\s?write$/i.test(intent)) return false;
  if (/^read\s?only$/i.test(intent)) return true;
  throw contradictoryField('applicationintent', 'is neither ReadOnly nor ReadWrite');
}

/** As many as an availability group has beside the primary. */
const mostReplicas = 8;

function parseReplicas({ replicas }: SecretFields): readonly Place[] | undefined {
  if (replicas === undefined || replicas === null) return undefined;
  const names: unknown[] = Array.isArray(replicas) ? replicas : [undefined];
  if (names.length > mostReplicas)
    throw contradictoryField('replicas', `names more than ${mostReplicas} servers`);
  return names.map((name) => {
    if (typeof name !== 'string') throw contradictoryField('replicas', 'must be a list of servers');
    return placeOf(parseServerName(name, 'replicas'));
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

/** A place as it is compared, and shown to people. */
export function endpointOf(place: Place): string {
  const host = hostOf(place).toLowerCase();
  return place.port === undefined ? host : `${host},${place.port}`;
}
