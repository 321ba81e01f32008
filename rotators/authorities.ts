import tls from 'node:tls';

/**
 * The authorities (PEM) to trust where a private one comes on top of Node.js's own. A list of authorities replaces
 * Node.js's own, so those must be in it.
 *
 * Before 22.15, Node.js can't tell which authorities NODE_EXTRA_CA_CERTS has added: those are then not in the list.
 */
export function authoritiesWith(pem: string): string[] {
  return [...(tls.getCACertificates?.('default') ?? tls.rootCertificates), pem];
}
