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
  readonly host: string;
  readonly port: number;
  /** The schema that a session begins with; none by default. */
  readonly database: string | undefined;
}

/** A login of one of two users that take turns. */
export type AlternatingCredential = Paired<MysqlCredential>;

/** MariaDB's limit: which server it is shows at the login alone. */
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
 * Most characters of the name of one of two users: what is configured (AWS's USERNAME_CHARACTER_LIMIT), else what the
 * engine takes.
 */
export function longestUserName({ engine }: SecretFields, configured: number | undefined): number {
  return configured ?? (engine === 'mariadb' ? longestName : 32);
}

/** What a credential opens. @param account the username, or what a pair has in common */
export function targetOf({ host, port, database }: MysqlCredential, account: string): Target {
  return { host, port, ...(database === undefined ? {} : { database }), account };
}
