import { type Activity, type ErrorCode, KeyturnError } from '../../src/rotator/index.ts';
import { classifier, meaningOf } from '../database/classify.ts';
import { codeOf, partsOf } from '../network.ts';

/** The number of the server's error; 0 if there is none. */
export function numberOf(error: unknown): number {
  for (const part of partsOf(error)) {
    const number: unknown = Reflect.get(part, 'errno');
    // Numbers of Node.js are negative.
    if (typeof number === 'number' && number > 0) return number;
  }
  return 0;
}

/**
 * Whether a login was refused for its password. 1045 is also the answer for an account that does not exist. ProxySQL and
 * RDS Proxy give the same answer.
 *
 * @see https://dev.mysql.com/doc/mysql-errors/8.4/en/server-error-reference.html
 */
export function isRefusal(error: unknown): boolean {
  return numberOf(error) === 1045;
}

/**
 * Whether the password is right and has expired. MariaDB accepts the login, and then refuses everything but a change of
 * the password (1820).
 */
export function isExpired(error: unknown): boolean {
  return [1862, 1820].includes(numberOf(error));
}

/** Whether the server's policy refuses a new password: it is weak, was used before, or the policy can't see it. */
export function isPolicyRefusal(error: unknown): boolean {
  return [1819, 3638, 1372, 4170].includes(numberOf(error));
}

/** Whether a right is missing: for the statement, for a schema, for a table, for a grant. */
export function isRightMissing(error: unknown): boolean {
  return [1227, 1044, 1142, 1143, 1370, 1410, 1698].includes(numberOf(error));
}

/** Whether REPLACE named a password that is not the first one. Nothing was changed. */
export function isNotPrimary(error: unknown): boolean {
  return numberOf(error) === 3891;
}

/**
 * What the server's errors mean. MariaDB's own numbers begin with 4. Some numbers mean one thing in MySQL and another in
 * MariaDB.
 *
 * @see https://dev.mysql.com/doc/mysql-errors/8.4/en/server-error-reference.html
 * @see https://mariadb.com/docs/server/reference/error-codes
 */
const meaningOfNumber = meaningOf([
  ['PasswordRejected', [1819, 3638, 1372, 4170]],
  ['TargetReadOnly', [1836, 1792]],
  [
    'PermissionDenied',
    [
      1044, 1130, 1142, 1143, 1227, 1370, 1410, 1698, 1820, 1862, 3118, 3159, 3878, 3892, 3893, 3955, 4151,
      4166,
    ],
  ],
  ['AccountMissing', [1133, 1141, 1396]],
  ['TargetBusy', [1040, 1041, 1135, 1203, 1205, 1213, 1226, 1637, 3058]],
  // The host is blocked after too many broken connections; the server is shutting down or offline (offline_mode); somebody
  // has ended the session.
  ['TargetUnreachable', [1053, 1077, 1129, 1152, 1158, 1159, 1160, 1161, 1317, 1927, 3032, 3169, 4031]],
]);

/** What mysql2 itself throws after a connection has ended. */
const lost = /^(PROTOCOL_CONNECTION_LOST|PROTOCOL_SEQUENCE_TIMEOUT|PROTOCOL_PACKETS_OUT_OF_ORDER)$/;

function meaning(error: unknown, during: Activity): ErrorCode | undefined {
  const number = numberOf(error);
  const message = error instanceof Error ? error.message : '';
  // The message names the server's option: --read-only, --super-read-only, in MariaDB read_only, or one of another kind.
  if (number === 1290) return /read[-_ ]only/i.test(message) ? 'TargetReadOnly' : 'PermissionDenied';
  if (number === 1045 && during !== 'open') return 'PermissionDenied';
  if (number !== 0) return meaningOfNumber([number]);
  // mysql2 gives every error of TLS this code, in place of Node.js's code.
  if (codeOf(error) === 'HANDSHAKE_SSL_ERROR') {
    return /ECONNRESET|ETIMEDOUT|EPIPE|disconnected before/.test(message)
      ? 'TargetUnreachable'
      : 'CertificateRejected';
  }
  return /connection is in closed state|Connection lost/.test(message) ? 'TargetUnreachable' : undefined;
}

/** What an error of mysql2, of Node.js or of the server means. */
export const classify = classifier({ meaning, isUnreachable: (code) => lost.test(code) });

/** The reason for a login that no other password would let in. */
const explanations: Readonly<Record<number, readonly [problem: string, remedy: string]>> = {
  1044: ['it may not use the database.', 'Correct "dbname", or grant the account something in it.'],
  1049: ['there is no such database.', 'Correct "dbname", or leave it out.'],
  1130: [
    'the account may not log in from the function.',
    'Create it for a host pattern that has the function.',
  ],
  1698: [
    'the account logs in by the socket of the machine, or without a password.',
    'Give it a password: ALTER USER ... IDENTIFIED BY ...',
  ],
  1862: ['its password has expired.', 'Set it as an admin, or name an admin secret, which does that.'],
  1820: ['its password has expired.', 'Set it as an admin, or name an admin secret, which does that.'],
  3118: ['the account is locked.', 'Unlock it: ALTER USER ... ACCOUNT UNLOCK.'],
  3955: ['it is locked after too many wrong passwords.', 'Find who tries them, and unlock it or wait.'],
  4151: ['the account is locked.', 'Unlock it: ALTER USER ... ACCOUNT UNLOCK.'],
  4166: ['it is blocked after too many wrong passwords.', 'Find who tries them, then FLUSH PRIVILEGES.'],
};

/** A typed error for a login that no other password would let in, or undefined. */
export function explainLogin(error: unknown, username: string): KeyturnError | undefined {
  const found = explanations[numberOf(error)] ?? explainPlugin(error);
  if (found === undefined) return undefined;
  const [problem, remedy] = found;
  return new KeyturnError(
    'PermissionDenied',
    `The server does not let "${username}" in: ${problem}`,
    remedy,
    { cause: error },
  );
}

/**
 * The reason for plugins such as ed25519 and PARSEC of MariaDB, LDAP, PAM and Kerberos. For some the server keeps no
 * password, and mysql2 does not speak the others.
 */
function explainPlugin(error: unknown): readonly [string, string] | undefined {
  const message = error instanceof Error ? error.message : '';
  const [, plugin] = /unknown plugin (\w+)/.exec(message) ?? [];
  const named = codeOf(error) === 'MYSQL_CLEAR_PASSWORD_NOT_ENABLED' ? 'mysql_clear_password' : plugin;
  if (named === undefined) return undefined;
  return [
    `the account logs in by ${named}, which is no password that the server keeps, or one that the driver does not speak.`,
    'Rotate an account of caching_sha2_password or mysql_native_password.',
  ];
}
