import type { Activity, ErrorCode } from '../../src/rotator/index.ts';
import { LoginFailure } from './login-failure.ts';

/** An error and what it was made of: tedious hides Node.js's error in `cause`, and several of the server in `errors`. */
function* parts(error: unknown): Generator<object> {
  if (typeof error !== 'object' || error === null) return;
  yield error;
  if (error instanceof AggregateError) for (const one of error.errors) yield* parts(one);
  yield* parts(Reflect.get(error, 'cause'));
}

/** Codes of an error of Node.js or tedious, and of what it was made of. */
export function codesOf(error: unknown): string[] {
  return [...parts(error)]
    .map((part) => Reflect.get(part, 'code'))
    .filter((code) => typeof code === 'string');
}

/** Numbers of the errors that the server sent. */
export function numbersOf(error: unknown): number[] {
  return [...parts(error)].flatMap((part) => {
    if (part instanceof LoginFailure) return [...part.numbers];
    const number: unknown = Reflect.get(part, 'number');
    return typeof number === 'number' ? [number] : [];
  });
}

/** Given to the error of a server that answers PRELOGIN without encryption. */
export const withoutTls = 'ENOENCRYPTION';

/** Whether the server has no TLS to offer. */
export function isTlsUnavailable(error: unknown): boolean {
  return codesOf(error).includes(withoutTls);
}

/**
 * NetValidatePasswordPolicy's answers: too recent 15114, used before 15115, too short 15116, too long 15117, too
 * simple 15118, the password filter's 15119; and Azure SQL's two.
 *
 * @see https://learn.microsoft.com/sql/relational-databases/security/password-policy
 * @see https://learn.microsoft.com/sql/relational-databases/errors-events/database-engine-events-and-errors-10000-to-19999
 */
const policy = new Set([15114, 15115, 15116, 15117, 15118, 15119, 40631, 40632]);

/** Whether the server's policy refuses the new password. */
export function isPolicyRefusal(error: unknown): boolean {
  return numbersOf(error).some((number) => policy.has(number));
}

/** 15151 is also the answer for a principal that does not exist: whoever may not see it is not told which. */
const denied = new Set([
  229, 230, 262, 297, 300, 916, 4613, 15151, 15247, 15404, 15406, 15562, 18461, 4060, 4064,
]);

/** Azure's "try again" errors, a full server, and one that is starting, paused or in script upgrade mode. */
const busy = new Set([
  10928, 10929, 40197, 40501, 40613, 49918, 49919, 49920, 17809, 17830, 18401, 17142, 1205,
]);

const certificate = /^(CERT_|ERR_TLS_CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|ERR_SSL_)/;
const unreachable =
  /^(ESOCKET|ETIMEOUT|EINSTLOOKUP|ECLOSE|ENOTOPEN|ECONNCLOSED|ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN)$/;

/** What an error of tedious, of Node.js or of the server means. */
export function classify(error: unknown, _during: Activity): ErrorCode | undefined {
  if (isTlsUnavailable(error)) return 'TlsUnavailable';
  const found = codesOf(error);
  if (found.some((code) => certificate.test(code))) return 'CertificateRejected';
  const numbers = numbersOf(error);
  if (numbers.some((number) => policy.has(number))) return 'PasswordRejected';
  if (numbers.some((number) => denied.has(number))) return 'PermissionDenied';
  if (numbers.some((number) => busy.has(number))) return 'TargetBusy';
  return found.some((code) => unreachable.test(code)) ? 'TargetUnreachable' : undefined;
}
