import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isIP } from 'node:net';
import { isSame, type Session, type Sessions } from './sessions.ts';

/** Why a request is not answered. */
export interface Refusal {
  readonly status: 403 | 405 | 411 | 413 | 421;
  readonly title: string;
  readonly text: string;
}

/** The largest form: a value of 64 KiB with each byte percent-encoded, and room for the rest. */
const mostBytes = 65_536 * 3 + 32_768;

/** The headers of every answer. */
export const strictHeaders: Readonly<Record<string, string>> = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'same-origin',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
};

/** Where the console is served. */
export interface Served {
  /** More names that a request's `Host` may have, besides localhost and IP addresses. */
  readonly hostNames: ReadonlySet<string>;
  /**
   * The first part of all paths. Browsers send a cookie to all ports of a host, but only for its path. A server at
   * another port does not know this path.
   */
  readonly base: string;
}

/** The session of a request, or why the request is refused. `opened`: it came with the token, and the session is new. */
export type Admitted =
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  | { readonly kind: 'opened'; readonly session: Session }
  | { readonly kind: 'session'; readonly session: Session };

/**
 * Decides which requests are answered. An unknown name in `Host` may be an attacker's name that leads to this address (DNS
 * rebinding). Requests from pages of other origins are known by `Origin` and `Sec-Fetch-Site`.
 *
 * @see https://fetch.spec.whatwg.org/#origin-header
 * @see https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header
 */
export function admit(request: IncomingMessage, sessions: Sessions, { hostNames, base }: Served): Admitted {
  const { headers, method = '', url = '/', socket } = request;
  const host = headers.host ?? '';
  if (!isServed(host, hostNames, socket.localPort)) {
    return refused(421, 'Not served under this name', 'Open the address that the terminal shows.');
  }
  if (method !== 'GET' && method !== 'HEAD' && method !== 'POST') {
    return refused(405, 'Not understood', 'Only GET, HEAD and POST are answered.');
  }
  const target = URL.canParse(url, `http://${host}`) ? new URL(url, `http://${host}`) : undefined;
  if (target === undefined) return lockedOut;
  const token = target.searchParams.get('token');
  const site = headers['sec-fetch-site'];
  if (target.pathname === '/' && token !== null && method === 'GET') {
    // Other sites may link here: the terminal may be a web page itself.
    const isNavigation = site === undefined || headers['sec-fetch-mode'] === 'navigate';
    const session = isNavigation && headers['sec-fetch-dest'] !== 'iframe' ? sessions.open(token) : undefined;
    return session === undefined ? lockedOut : { kind: 'opened', session };
  }
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return foreign;
  if (headers.origin !== undefined && headers.origin !== `http://${host}`) return foreign;
  if (!target.pathname.startsWith(`${base}/`)) return lockedOut;
  const id = cookieIn(headers.cookie, cookieName(socket.localPort));
  const session = id === undefined ? undefined : sessions.find(id);
  if (session === undefined) return lockedOut;
  if (method !== 'POST') return { kind: 'session', session };
  // Browsers always say where a form came from.
  if (headers.origin === undefined) return foreign;
  const length = Number(headers['content-length'] ?? 'NaN');
  if (!(length >= 0)) return refused(411, 'Not understood', 'A form must have a Content-Length.');
  if (length > mostBytes) {
    return refused(413, 'Too large', 'A secret has at most 65,536 bytes. Nothing was changed.');
  }
  return { kind: 'session', session };
}

function refused(status: Refusal['status'], title: string, text: string): Admitted {
  return { kind: 'refused', refusal: { status, title, text } };
}

const lockedOut = refused(
  403,
  'The console is locked',
  'Open the address that the terminal shows last. Each address opens one browser once.',
);
const foreign = refused(
  403,
  'Not answered',
  'The request came from a page of another site. Open the console from its own address.',
);

function isServed(host: string, names: ReadonlySet<string>, ownPort: number | undefined): boolean {
  const [, bracketed, plain, port = '80'] = /^(?:\[([\da-f:.]+)\]|([^:[\]]+))(?::(\d+))?$/i.exec(host) ?? [];
  const name = (bracketed ?? plain ?? '').toLowerCase();
  if (names.has(name)) return true;
  const isOwnName = bracketed === undefined ? name === 'localhost' || isIP(name) === 4 : isIP(name) === 6;
  return isOwnName && Number(port) === ownPort;
}

/** Whether a form came with the session's own token. */
export function isOwnForm(session: Session, given: string | null | undefined): boolean {
  return typeof given === 'string' && isSame(given, session.csrf);
}

/** Each port has its own cookie name, because browsers send a host's cookies to all of its ports. */
function cookieName(port: number | undefined): string {
  return `keyturn-console-${port}`;
}

function cookieIn(header: string | undefined, name: string): string | undefined {
  const pairs = (header ?? '').split(';').map((pair) => pair.trim());
  return pairs.find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1);
}

const bareStyle =
  ':root{color-scheme:light dark}body{font:16px/1.6 Inter,system-ui,sans-serif;margin:0;min-height:100vh;display:grid;place-content:center;padding:24px;background:light-dark(#f6f6f3,#151614);color:light-dark(#1d1f1b,#e8e9e4)}main{max-width:34em}h1{font-size:22px;margin:0 0 8px}p{margin:0;color:light-dark(#595c54,#a9aca2)}a{color:light-dark(#0b5f56,#7fd6c6)}';
const bareHeaders = {
  ...strictHeaders,
  'Content-Type': 'text/html; charset=utf-8',
  'Content-Security-Policy': `default-src 'none'; style-src 'sha256-${createHash('sha256').update(bareStyle).digest('base64')}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
};

/** A page that needs no session, and shows nothing of the console. */
function barePage(head: string, title: string, body: string): string {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">${head}<title>${title} · Keyturn</title><style>${bareStyle}</style></head><body><main><h1>${title}</h1><p>${body}</p></main></body></html>`;
}

/** Answers a request that is refused. */
export function answerRefusal(response: ServerResponse, { status, title, text }: Refusal): void {
  response.writeHead(status, { ...bareHeaders, Connection: 'close' });
  response.end(barePage('', title, text));
}

/**
 * Sets the cookie, with a page that loads the first page of the console. With a redirect instead, the browser would not
 * send the cookie if the address was a link on another site.
 */
export function answerOpening(
  response: ServerResponse,
  { id }: Session,
  { base }: Served,
  port: number | undefined,
): void {
  const cookie = `${cookieName(port)}=${id}; Path=${base}/; HttpOnly; SameSite=Strict`;
  response.writeHead(200, { ...bareHeaders, 'Set-Cookie': cookie });
  const refresh = `<meta http-equiv="refresh" content="0;url=${base}/">`;
  response.end(barePage(refresh, 'Opening the console', `<a href="${base}/">Go on</a>`));
}
