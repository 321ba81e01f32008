import { optionalText, type SecretFields, type Target } from '../../src/rotator/index.ts';
import {
  checked,
  type DatabaseLogin,
  parseLogin,
  parsePlace,
  type Rule,
  requireEngine,
  visibleName,
  wholeText,
} from '../database/login.ts';
import type { Paired } from '../database/rotators.ts';
import { fitsName } from './quoting.ts';

/** Values of `engine` that mean MySQL or MariaDB; the names are AWS's. */
export const engines: readonly string[] = ['mysql', 'aurora-mysql', 'mariadb'];

/** A login to MySQL or MariaDB. `ssl: false` is plaintext. */
export interface MysqlCredential extends DatabaseLogin {
  /** The server's name or address. */
  readonly host: string;
  /** The TCP port. */
  readonly port: number;
  /** The schema in which a session begins; none by default. */
  readonly database: string | undefined;
}

/** A login of one of two users that take turns. */
export type AlternatingCredential = Paired<MysqlCredential>;

/** MariaDB's limit. Only the login shows which server it is. */
const longestName = 80;
const longestSchema = 64;

const userName: Rule = {
  fits: (name) => fitsName(name, longestName) && visibleName.fits(name),
  problem: `is no name of a user: at most ${longestName} characters, none of them a control character or beyond the BMP, and no space at its end`,
};

const schemaName: Rule = {
  fits: (name) => fitsName(name, longestSchema) && visibleName.fits(name),
  problem: 'is no name of a database',
};

/**
 * Reads AWS's secret structure for MySQL and MariaDB.
 *
 * @throws InvalidSecretField
 * @see https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_secret_json_structure.html
 */
export function parseCredential(fields: SecretFields): MysqlCredential {
  requireEngine(fields, engines);
  const database = optionalText(fields, 'dbname');
  return {
    ...parseLogin(fields, { username: [userName], password: [wholeText] }),
    ...parsePlace(fields, 3306),
    database: database === undefined ? undefined : checked('dbname', database, schemaName),
  };
}

/**
 * Longest name of one of two users, in characters: the configured limit (AWS's USERNAME_CHARACTER_LIMIT), otherwise the
 * engine's.
 */
export function longestUserName({ engine }: SecretFields, configured: number | undefined): number {
  return configured ?? (engine === 'mariadb' ? longestName : 32);
}

/** What a credential opens. @param account the username, or what a pair has in common */
export function targetOf({ host, port, database }: MysqlCredential, account: string): Target {
  return { host, port, ...(database === undefined ? {} : { database }), account };
}
