import tls from 'node:tls';

/**
 * Node.js's own authorities and a private one (PEM). A list that is given to TLS replaces Node.js's own, so the list must
 * contain them.
 *
 * Before 22.15, Node.js can't tell which authorities NODE_EXTRA_CA_CERTS has added. The list is then without them.
 */
export function authoritiesWith(pem: string): string[] {
  return [...(tls.getCACertificates?.('default') ?? tls.rootCertificates), pem];
}
