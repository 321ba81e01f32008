import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { ServiceError } from '../errors.ts';

/** Under which names a server may be called, and which web pages may call it. */
export interface AdmissionSettings {
  /**
   * Names or addresses in clients' URLs, such as `host.docker.internal`. They are served with any port, because a forwarder
   * may have another one. `localhost` and IP addresses are always served, with the server's own port.
   */
  readonly hostNames?: readonly string[] | undefined;
  /** Origins of web pages that may send requests and read the answers, such as `http://localhost:3000`. */
  readonly allowedOrigins?: readonly string[] | undefined;
}

/** Refuses requests that a web page makes a browser send. */
export interface Admission {
  /** Why a request is refused. Undefined if it is served. */
  refusalOf(request: IncomingMessage): ServiceError | undefined;
  /** Headers that let the page of an allowed origin read the answer. None for other clients. */
  headersFor(request: IncomingMessage): Readonly<Record<string, string>>;
  /** Whether this is a browser's question (CORS preflight) if a page of an allowed origin may send a request. */
  isPreflight(request: IncomingMessage): boolean;
}

const namePattern = /^[a-z\d_]([a-z\d_.-]*[a-z\d_])?$/;

/** Whether this can be among the `hostNames`: a name or an address, without a port. */
export function isHostName(text: string): boolean {
  return isIP(text) !== 0 || namePattern.test(text.toLowerCase());
}

/** Whether this can be among the `allowedOrigins`: a scheme, a host and perhaps a port, as browsers write them. */
export function isOrigin(text: string): boolean {
  return /^https?:/.test(text) && URL.canParse(text) && new URL(text).origin === text;
}

/**
 * Decides by the headers that a browser always sends. `Origin` and `Sec-Fetch-Site` say that a request comes from another
 * origin. `Host` has the name in the page's URL, so it shows an attacker's name that leads to this machine (DNS rebinding).
 * @see https://fetch.spec.whatwg.org/#origin-header
 * @see https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header
 * @throws Error for a malformed host name or origin
 */
export function createAdmission({ hostNames = [], allowedOrigins = [] }: AdmissionSettings): Admission {
  for (const name of hostNames) {
    if (isHostName(name)) continue;
    throw new Error(
      `hostNames: '${name}' must be a name or an address without a port, such as host.docker.internal.`,
    );
  }
  for (const origin of allowedOrigins) {
    if (isOrigin(origin)) continue;
    throw new Error(
      `allowedOrigins: '${origin}' must be an origin without a path, such as http://localhost:3000.`,
    );
  }
  const names = new Set(hostNames.map((name) => name.toLowerCase()));
  const origins = new Set(allowedOrigins);
  const isAllowed = ({ origin }: IncomingHttpHeaders) => origin !== undefined && origins.has(origin);

  return {
    refusalOf(request) {
      const { headers, socket } = request;
      if (!isServed(headers.host, names, socket.localPort)) return unknownHost(headers.host);
      if (isAllowed(headers)) return undefined;
      if (headers.origin !== undefined) return foreignOrigin(headers.origin);
      const site = headers['sec-fetch-site'];
      return site === undefined || site === 'none' ? undefined : foreignPage();
    },
    headersFor({ headers }): Record<string, string> {
      if (!isAllowed(headers)) return {};
      return {
        'Access-Control-Allow-Origin': headers.origin ?? '',
        'Access-Control-Allow-Methods': 'GET, POST',
        'Access-Control-Allow-Headers': headers['access-control-request-headers'] ?? '',
        'Access-Control-Allow-Private-Network': 'true',
        'Access-Control-Expose-Headers': 'x-amzn-ErrorType, x-amzn-RequestId, X-Amz-Function-Error',
        Vary: 'Origin',
      };
    },
    isPreflight: ({ method, headers }) => method === 'OPTIONS' && isAllowed(headers),
  };
}

function isServed(
  host: string | undefined,
  names: ReadonlySet<string>,
  ownPort: number | undefined,
): boolean {
  const [, bracketed, plain, port = '80'] =
    /^(?:\[([\da-f:.]+)\]|([^:[\]]+))(?::(\d+))?$/i.exec(host ?? '') ?? [];
  const name = (bracketed ?? plain ?? '').toLowerCase();
  if (names.has(name)) return true;
  const isOwnName = bracketed === undefined ? name === 'localhost' || isIP(name) === 4 : isIP(name) === 6;
  return isOwnName && Number(port) === ownPort;
}

function unknownHost(host = ''): ServiceError {
  const name = host.replace(/:\d*$/, '');
  return refused(
    `Requests for ${JSON.stringify(host)} are not served. If that is a name of this server, start it with ` +
      `--host-name ${isHostName(name) ? name : 'NAME'} (hostNames).`,
  );
}

function foreignOrigin(origin: string): ServiceError {
  return refused(
    `Requests of web pages of ${JSON.stringify(origin)} are not served. If that is a page of yours, start the server ` +
      'with --allow-origin ORIGIN (allowedOrigins).',
  );
}

function foreignPage(): ServiceError {
  return refused('Requests of other sites’ web pages are not served.');
}

function refused(message: string): ServiceError {
  return new ServiceError('AccessDeniedException', message, 403);
}
