import type { Activity, ErrorCode } from '../../src/rotator/index.ts';
import { classifier } from '../database/classify.ts';
import { codeOf, isNetworkCode } from '../network.ts';
import { isConflict } from './conflict.ts';
import { messageOf } from './server-error.ts';

/**
 * Whether a login was refused for its password. Postgres says this by 28P01 alone. It says the same of a role that does
 * not exist, so that nobody can find out which roles there are. 28000 is about pg_hba.conf or NOLOGIN: no password would
 * change that.
 *
 * Poolers have words of their own, with the code of a broken protocol. PgBouncer's own refusal is one of two texts. It may
 * also hand on the server's refusal. That counts only if it names the account, since the pooler may log in as another one.
 * RDS Proxy compares the password with the secret that it has read, and has its own text.
 *
 * @param username whose login it was
 * @see https://www.postgresql.org/docs/current/errcodes-appendix.html
 * @see https://github.com/pgbouncer/pgbouncer/blob/master/src/client.c
 * @see https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-proxy.troubleshooting.html
 */
export function isLoginRefused(error: unknown, username: string): boolean {
  if (codeOf(error) === '28P01') return true;
  if (!(error instanceof Error) || codeOf(error) === '') return false;
  const { message } = error;
  if (message === `The password that was provided for the role ${username} is wrong.`) return true;
  if (!poolerCodes.test(codeOf(error))) return false;
  return (
    /^(password|SASL) authentication failed$/.test(message) ||
    message.includes(`password authentication failed for user "${username}"`)
  );
}

/** The codes that PgBouncer gives its own errors. Until 1.21 it had only the first. */
const poolerCodes = /^(08P01|28000)$/;

/** What PgBouncer's errors mean. They all have the code of a broken protocol (08P01), so their words have to tell. */
const poolerWords: readonly (readonly [RegExp, ErrorCode | undefined])[] = [
  [/^no such user/, 'AccountMissing'],
  // PgBouncer's own limits, and the server's, which it hands on after words of its own.
  [/^no more connections allowed|too many (connections|clients)|connection slots are reserved/, 'TargetBusy'],
  [/the database system is (starting|shutting|not yet)/, 'TargetBusy'],
  [
    /^(no such database|unsupported startup parameter|invalid packet|bouncer config|login rejected)/,
    undefined,
  ],
  [/^(SSL|TLS) required|^database "?.*"? (is disabled|does not allow connections)/, undefined],
  [
    /pg_hba\.conf|is not permitted to log in|database ".*" does not exist|permission denied for database/,
    undefined,
  ],
  // PgBouncer has only a verifier, and its auth_type needs the password.
  [/wrong password type|none of the server's SASL/, undefined],
];

/** SQLSTATEs of connection exceptions, and of a server that is shutting down or starting. */
const unreachable = /^(08...|57P0[1-3])$/;

/** Whether a server is not there, or can't take logins now. */
export function isUnreachable(error: unknown): boolean {
  const code = codeOf(error);
  if (code === '08P01') return !poolerWords.some(([words]) => words.test(messageOf(error)));
  return isNetworkCode(code) || unreachable.test(code) || (code === '' && isLostConnection(error));
}

/**
 * SQLSTATEs by which a server's password policy refuses an ALTER or CREATE ROLE. The hooks that check passwords raise
 * them: passwordcheck 22023, credcheck 28000 and 28P01, pg_tle P0001 and others.
 */
const policy = /^(22023|28000|28P01|P0001|23514)$/;

const codes: Readonly<Record<string, ErrorCode>> = {
  '25006': 'TargetReadOnly',
  '42501': 'PermissionDenied',
  '42704': 'AccountMissing',
  '53300': 'TargetBusy',
  '55P03': 'TargetBusy',
};

function meaning(error: unknown, during: Activity): ErrorCode | undefined {
  const code = codeOf(error);
  if (code === '57P03') return 'TargetBusy';
  if (isUnreachable(error)) return 'TargetUnreachable';
  if (code === '08P01') return poolerWords.find(([words]) => words.test(messageOf(error)))?.[1];
  if (during === 'change' && isConflict(error)) return 'TargetBusy';
  if (during === 'change' && policy.test(code)) return 'PasswordRejected';
  return codes[code];
}

/** What an error of pg, of Node.js or of the server means. */
export const classify = classifier({ meaning });

/** pg's own errors for a connection that ended or took too long have no code, only words. */
function isLostConnection(error: unknown): boolean {
  return (
    error instanceof Error &&
    /^Connection terminated|timeout expired|^Client has encountered a connection error/.test(error.message)
  );
}
