import { contradictoryField } from '../../src/rotator/index.ts';

/**
 * The base URL of an API that a secret names, without a slash at its end. A host without a scheme gets `https`.
 *
 * @throws InvalidSecretField, naming `field`
 */
export function parseBaseUrl(field: string, text: string): string {
  const url = text.includes('://') ? text : `https://${text}`;
  const problem = baseUrlProblem(url);
  if (problem !== undefined) throw contradictoryField(field, problem);
  return new URL(url).href.replace(/\/$/, '');
}

/** The problem with an API's base URL, for an error; undefined if there is none. */
export function baseUrlProblem(text: string): string | undefined {
  if (!URL.canParse(text)) return 'is no URL';
  const url = new URL(text);
  const { username, password, search, hash } = url;
  if (!isSafe(url)) {
    return 'must be https: plain http works only on this machine';
  }
  if (username !== '' || password !== '') return 'must have no credential in it';
  return search === '' && hash === '' ? undefined : 'must have neither a query nor a fragment';
}

/** Whether credentials may be sent there: over TLS, or within this machine. */
export function isSafe({ protocol, hostname }: URL): boolean {
  return protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname));
}

/** Whether a host is this machine: RFC 6761, section 6.3, and the loopback addresses. */
export function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(hostname);
}
