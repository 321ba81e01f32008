import {
  contradictoryField,
  optionalSsl,
  optionalText,
  requireText,
  type SecretFields,
  type Target,
} from '../../src/rotator/index.ts';
import { parseUserPair, type UserPair } from '../strategies/alternating-users.ts';
import { type Endpoint, isHost, parseEndpoints } from './endpoints.ts';
import { fitsName } from './quoting.ts';

/** Values of `engine` that mean Postgres; the names are AWS's. */
export const engines: readonly string[] = ['postgres', 'aurora-postgresql'];

/** A login to a Postgres database. */
export interface PostgresCredential {
  /** Where its server is, or the servers of its cluster, of which one takes changes. */
  readonly endpoints: readonly [Endpoint, ...Endpoint[]];
  readonly database: string;
  readonly username: string;
  readonly password: string;
  /** Absent: verified TLS is tried, and plaintext only where the function allows it. */
  readonly ssl: boolean | undefined;
  /** The name to expect in the server's certificate where it is not the host's. */
  readonly serverName: string | undefined;
}

/**
 * Reads AWS's secret structure for Postgres.
 *
 * @throws InvalidSecretField
 * @see https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_secret_json_structure.html
 */
export function parseCredential(fields: SecretFields): PostgresCredential {
  const engine = optionalText(fields, 'engine');
  if (engine !== undefined && !engines.includes(engine)) {
    throw contradictoryField('engine', `is not ${engines.join(' or ')}`);
  }
  const username = checked('username', requireText(fields, 'username'), isPlainName, nameRule);
  const serverName = optionalText(fields, 'sslservername');
  return {
    endpoints: parseEndpoints(fields),
    database: checked('dbname', optionalText(fields, 'dbname') ?? 'postgres', isPlainName, nameRule),
    username,
    password: checked('password', requireText(fields, 'password'), isText, 'holds a NUL or half a character'),
    ssl: optionalSsl(fields),
    serverName: serverName === undefined ? undefined : checked('sslservername', serverName, isHost, hostRule),
  };
}

const nameRule = 'is longer than 63 bytes or holds a control character';
const hostRule = 'is no name or address of a host';

/** @throws InvalidSecretField */
function checked(field: string, value: string, fits: (value: string) => boolean, rule: string): string {
  if (!fits(value)) throw contradictoryField(field, rule);
  return value;
}

/** What a NUL would end: the rest would be read as further parameters of the login. */
function isText(value: string): boolean {
  return !value.includes('\0') && value.isWellFormed();
}

/** A role or a database that any tool could name. The server cuts longer names off, and means another one. */
function isPlainName(name: string): boolean {
  return fitsName(name) && isText(name) && !/\p{Cc}/u.test(name);
}

/** A login of one of two users that take turns. */
export interface AlternatingCredential extends PostgresCredential {
  readonly pair: UserPair;
}

/** As {@link parseCredential}, with the pair. @throws InvalidSecretField */
export function parseAlternatingCredential(fields: SecretFields): AlternatingCredential {
  return { ...parseCredential(fields), pair: parseUserPair(fields, isPlainName) };
}

/** What a credential opens. @param account the username, or what a pair has in common */
export function targetOf({ endpoints, database }: PostgresCredential, account: string): Target {
  const [{ host, port }, ...others] = endpoints;
  const target = { host, port, database, account };
  if (others.length === 0) return target;
  return { ...target, endpoints: others.map((other) => `${other.host.toLowerCase()}:${other.port}`) };
}
