/*
 * What Node.js's own errors say about a connection. Every rotator reads them here, so that the same failure has the same
 * code everywhere.
 */

/**
 * OpenSSL's reasons for not trusting a certificate (https://nodejs.org/api/tls.html#x509-certificate-error-codes), Node.js's
 * own (ERR_TLS_CERT_...), and handshakes that failed otherwise (ERR_SSL_...).
 */
const certificate =
  /^(CERT_|CRL_|ERR_TLS_CERT_|ERR_SSL_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|ERROR_IN_C(ERT|RL)_|INVALID_(CA|PURPOSE)$|PATH_LENGTH_EXCEEDED$|HOSTNAME_MISMATCH$)/;

/** The system's errors, those of name resolution, and undici's (https://undici.nodejs.org/#/docs/api/Errors). */
const unreachable =
  /^(ECONN(REFUSED|RESET|ABORTED)|EPIPE|ETIMEDOUT|E(HOST|NET)(UNREACH|DOWN)|EADDRNOTAVAIL|ENOTFOUND|EAI_(AGAIN|FAIL)|UND_ERR_(SOCKET|CONNECT_TIMEOUT|HEADERS_TIMEOUT|BODY_TIMEOUT))$/;

/** Whether a code of Node.js's says that a certificate is not trusted, or that no TLS connection could be made. */
export function isCertificateError(code: string): boolean {
  return certificate.test(code);
}

/** Whether a code of Node.js's says that a server could not be reached, or that the connection broke. */
export function isNetworkError(code: string): boolean {
  return unreachable.test(code);
}

/**
 * The code of an error of Node.js's, such as `ECONNREFUSED`, also where `fetch` hides it in `cause`, or where several
 * addresses were tried.
 */
export function networkCodeOf(error: unknown): string | undefined {
  for (let depth = 0, at = error; depth < 5 && typeof at === 'object' && at !== null; depth += 1) {
    const code: unknown = Reflect.get(at, 'code');
    if (typeof code === 'string' && (isCertificateError(code) || isNetworkError(code))) return code;
    at = at instanceof AggregateError ? at.errors[0] : Reflect.get(at, 'cause');
  }
  return undefined;
}
