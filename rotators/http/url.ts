/** What is wrong with the URL of an API; undefined where nothing is. */
export function baseUrlProblem(text: string): string | undefined {
  if (!URL.canParse(text)) return 'is no URL';
  const { protocol, hostname, username, password, search, hash } = new URL(text);
  if (protocol !== 'https:' && !(protocol === 'http:' && isLoopback(hostname))) {
    return 'must be https: plain http is for this machine alone';
  }
  if (username !== '' || password !== '') return 'must have no credential in it';
  return search === '' && hash === '' ? undefined : 'must have neither a query nor a fragment';
}

/** RFC 6761, section 6.3, and the addresses that can be nothing else. */
export function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(hostname);
}
