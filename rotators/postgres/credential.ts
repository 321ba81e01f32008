import { optionalText, type SecretFields, type Target } from '../../src/rotator/index.ts';
import {
  checked,
  type DatabaseLogin,
  parseLogin,
  type Rule,
  requireEngine,
  visibleName,
  wholeText,
} from '../database/login.ts';
import type { Paired } from '../database/rotators.ts';
import { type Endpoint, parseEndpoints } from './endpoints.ts';
import { fitsName } from './quoting.ts';

/** Values of `engine` that mean Postgres; the names are AWS's. */
export const engines: readonly string[] = ['postgres', 'aurora-postgresql'];

/** A login to a Postgres database. `ssl: false` is plaintext. */
export interface PostgresCredential extends DatabaseLogin {
  /** Where its server is, or the servers of its cluster, of which one takes changes. */
  readonly endpoints: readonly [Endpoint, ...Endpoint[]];
  readonly database: string;
}

/** A role or a database that any tool could name. The server cuts longer names off, and means another one. */
export const plainName: Rule = {
  fits: (name) => fitsName(name) && visibleName.fits(name),
  problem: 'is longer than 63 bytes or holds a control character',
};

/**
 * Reads AWS's secret structure for Postgres.
 *
 * @throws InvalidSecretField
 * @see https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_secret_json_structure.html
 */
export function parseCredential(fields: SecretFields): PostgresCredential {
  requireEngine(fields, engines);
  return {
    ...parseLogin(fields, { username: [plainName], password: [wholeText] }),
    endpoints: parseEndpoints(fields),
    database: checked('dbname', optionalText(fields, 'dbname') ?? 'postgres', plainName),
  };
}

/** A login of one of two users that take turns. */
export type AlternatingCredential = Paired<PostgresCredential>;

/** What a credential opens. @param account the username, or what a pair has in common */
export function targetOf({ endpoints, database }: PostgresCredential, account: string): Target {
  const [{ host, port }, ...others] = endpoints;
  const target = { host, port, database, account };
  if (others.length === 0) return target;
  return { ...target, endpoints: others.map((other) => `${other.host.toLowerCase()}:${other.port}`) };
}
