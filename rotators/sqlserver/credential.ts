import {
  contradictoryField,
  optionalPort,
  optionalSsl,
  optionalText,
  requireText,
  type SecretFields,
  type Target,
} from '../../src/index.ts';
import { fitsName } from './quoting.ts';
import { parseServerName } from './server-name.ts';

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
  /** Absent: verified TLS is tried, and plaintext only where the function allows it. */
  readonly ssl: boolean | undefined;
  /** The name to expect in the server's certificate where it is not the host's. */
  readonly serverName: string | undefined;
  /** `ApplicationIntent=ReadOnly`: a listener of an availability group sends the login to a readable secondary. */
  readonly readOnlyIntent: boolean;
  /** `TrustServerCertificate`: what the secret asks for and only the function can grant. */
  readonly asksToTrust: boolean;
  /** The other server of a mirrored database, tried where the first can't be reached. */
  readonly failoverPartner: string | undefined;
}

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
  const username = requireText(fields, 'username');
  if (!fitsName(username))
    throw contradictoryField('username', 'is longer than 128 characters or holds a NUL');
  const password = requireText(fields, 'password');
  if (password.length > longestPassword)
    throw contradictoryField('password', 'is longer than 128 characters');
  return {
    ...parsePlace(fields),
    database: optionalText(fields, 'dbname') ?? 'master',
    username,
    password,
    ssl: optionalSsl(fields),
    serverName: keyword(fields, 'sslservername') ?? keyword(fields, 'hostnameincertificate'),
    readOnlyIntent: parseIntent(fields),
    asksToTrust: /^(true|yes|1)$/i.test(String(fields.trustservercertificate)),
    failoverPartner: keyword(fields, 'failoverpartner'),
  };
}

/** A keyword of a connection string, for which empty is as good as absent. */
function keyword(fields: SecretFields, name: string): string | undefined {
  return fields[name] === '' ? undefined : optionalText(fields, name);
}

function parsePlace(fields: SecretFields): Pick<SqlServerCredential, 'host' | 'port' | 'instance'> {
  const { host, instance, port } = parseServerName(requireText(fields, 'host'), 'host');
  const named =
    fields.port === undefined || fields.port === null ? undefined : optionalPort(fields, 'port', 1433);
  if (named !== undefined && port !== undefined && named !== port)
    throw contradictoryField('port', 'is another than the one in "host"');
  const known = port ?? named;
  // As in ADO.NET: a port makes the instance's name idle.
  if (known !== undefined) return { host, port: known, instance: undefined };
  return { host, port: instance === undefined ? 1433 : undefined, instance };
}

function parseIntent(fields: SecretFields): boolean {
  const intent = keyword(fields, 'applicationintent');
  if (intent === undefined || /^read\s?write$/i.test(intent)) return false;
  if (/^read\s?only$/i.test(intent)) return true;
  throw contradictoryField('applicationintent', 'is neither ReadOnly nor ReadWrite');
}

/** What a credential opens. @param account the username, or what a pair has in common */
export function targetOf({ host, port, instance, database }: SqlServerCredential, account: string): Target {
  const place = instance === undefined ? host : `${host}\\${instance}`;
  return { host: place, ...(port === undefined ? {} : { port }), database, account };
}
