/*
 * What failed connections have in common at every kind of target: how Node.js names the reasons. Kits and rotators ask
 * here, so that one TLS error means the same everywhere.
 */

/** An error and what it was made of: drivers hide Node.js's error in `cause`, and tries at several addresses in `errors`. */
export function* partsOf(error: unknown, seen = new Set<unknown>()): Generator<object> {
  if (typeof error !== 'object' || error === null || seen.has(error)) return;
  seen.add(error);
  yield error;
  if (error instanceof AggregateError) for (const one of error.errors) yield* partsOf(one, seen);
  yield* partsOf(Reflect.get(error, 'cause'), seen);
}

/** The code of an error itself, such as `ECONNREFUSED` or a server's SQLSTATE; empty if it has none. */
export function codeOf(error: unknown): string {
  const code: unknown = typeof error === 'object' && error !== null ? Reflect.get(error, 'code') : undefined;
  return typeof code === 'string' ? code : '';
}

/** The codes of an error and of what it was made of, such as `ECONNREFUSED`; outermost first. */
export function codesOf(error: unknown): string[] {
  return [...partsOf(error)].map(codeOf).filter((code) => code !== '');
}

/**
 * @see https://nodejs.org/api/tls.html#x509-certificate-error-codes
 * @see https://nodejs.org/api/errors.html#openssl-error-codes
 */
const certificate =
  /^(CERT_|CRL_|ERR_TLS_CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|ERR_SSL_|ERROR_IN_C|INVALID_CA$|INVALID_PURPOSE$|PATH_LENGTH_EXCEEDED$|HOSTNAME_MISMATCH$)/;

/** Whether a code of Node.js means that a server's certificate, or its TLS, was not accepted. */
export function isCertificateCode(code: string): boolean {
  return certificate.test(code);
}

/**
 * @see https://nodejs.org/api/errors.html#common-system-errors, https://nodejs.org/api/dns.html#error-codes and, for those
 *   of undici, https://undici.nodejs.org/#/docs/api/Errors
 */
const network =
  /^(ECONN(REFUSED|RESET|ABORTED)|EPIPE|ETIMEDOUT|E(HOST|NET)(UNREACH|DOWN)|EADDRNOTAVAIL|ENOTFOUND|EAI_[A-Z]+|UND_ERR_(SOCKET|CONNECT_TIMEOUT|HEADERS_TIMEOUT|BODY_TIMEOUT))$/;

/** Whether a code of Node.js means that a host can't be found or reached, or that the connection broke. */
export function isNetworkCode(code: string): boolean {
  return network.test(code);
}
