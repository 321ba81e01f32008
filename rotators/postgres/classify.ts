import type { Activity, ErrorCode } from '../../src/index.ts';
import { isConflict } from './conflict.ts';

/** The SQLSTATE of the server, or the code of Node.js. */
function codeOf(error: unknown): string {
  const code: unknown = typeof error === 'object' && error !== null ? Reflect.get(error, 'code') : undefined;
  return typeof code === 'string' ? code : '';
}

/**
 * 28P01 alone says that the password is wrong (Postgres also uses it for a role that does not exist, so as not to
 * tell). 28000 is about pg_hba.conf or NOLOGIN: no password would change it.
 *
 * @see https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
export function isRefusal(error: unknown): boolean {
  return codeOf(error) === '28P01';
}

/** pg gives this error no code, so its words are all there is to know it by. */
export function isTlsUnavailable(error: unknown): boolean {
  return error instanceof Error && error.message === 'The server does not support SSL connections';
}

const unreachable =
  /^(ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN|08...|57P0[1-2])$/;
const certificate = /^(CERT_|ERR_TLS_CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|ERR_SSL_)/;

/**
 * What a refused ALTER or CREATE ROLE means when its statement was right: the server's password policy. The hooks
 * that check passwords raise these: passwordcheck 22023, credcheck 28000 and 28P01, pg_tle's P0001 and others.
 */
const policy = /^(22023|28000|28P01|P0001|23514)$/;

const codes: Readonly<Record<string, ErrorCode>> = {
  '42501': 'PermissionDenied',
  '42704': 'AccountMissing',
  '53300': 'TargetBusy',
  '55P03': 'TargetBusy',
  '57P03': 'TargetBusy',
};

/** What an error of pg, of Node.js or of the server means. */
export function classify(error: unknown, during: Activity): ErrorCode | undefined {
  const code = codeOf(error);
  if (isTlsUnavailable(error)) return 'TlsUnavailable';
  if (certificate.test(code)) return 'CertificateRejected';
  if (unreachable.test(code)) return 'TargetUnreachable';
  if (during === 'change' && isConflict(error)) return 'TargetBusy';
  if (during === 'change' && policy.test(code)) return 'PasswordRejected';
  if (code === '' && isLostConnection(error)) return 'TargetUnreachable';
  return codes[code];
}

/** pg's own errors for a connection that ended or took too long have no code either. */
function isLostConnection(error: unknown): boolean {
  return (
    error instanceof Error &&
    /^Connection terminated|timeout expired|^Client has encountered a connection error/.test(error.message)
  );
}
