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
  /** Where its server is. For a cluster the places of all its servers, one of which takes changes. */
  readonly endpoints: readonly [Endpoint, ...Endpoint[]];
  /** Default: `postgres`. */
  readonly database: string;
}

/** The rule for names of roles and databases. The server would cut off a longer name, and so mean another one. */
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
