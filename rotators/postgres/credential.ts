import {
  contradictoryField,
  optionalPort,
  optionalSsl,
  optionalText,
  requireText,
  type SecretFields,
  type Target,
} from '../../src/index.ts';
import { parseUserPair, type UserPair } from '../strategies/alternating-users.ts';
import { fitsName } from './quoting.ts';

/** Values of `engine` that mean Postgres; the names are AWS's. */
export const engines: readonly string[] = ['postgres', 'aurora-postgresql'];

/** A login to a Postgres database. */
export interface PostgresCredential {
  readonly host: string;
  readonly port: number;
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
  const username = requireText(fields, 'username');
  if (!fitsName(username)) throw contradictoryField('username', 'is longer than 63 bytes or holds a NUL');
  return {
    host: requireText(fields, 'host'),
    port: optionalPort(fields, 'port', 5432),
    database: optionalText(fields, 'dbname') ?? 'postgres',
    username,
    password: requireText(fields, 'password'),
    ssl: optionalSsl(fields),
    serverName: optionalText(fields, 'sslservername'),
  };
}

/** A login of one of two users that take turns. */
export interface AlternatingCredential extends PostgresCredential {
  readonly pair: UserPair;
}

/** As {@link parseCredential}, with the pair. @throws InvalidSecretField */
export function parseAlternatingCredential(fields: SecretFields): AlternatingCredential {
  return { ...parseCredential(fields), pair: parseUserPair(fields, fitsName) };
}

/** What a credential opens. @param account the username, or what a pair has in common */
export function targetOf({ host, port, database }: PostgresCredential, account: string): Target {
  return { host, port, database, account };
}
