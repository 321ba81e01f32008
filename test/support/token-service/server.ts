import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { text } from 'node:stream/consumers';
import { createTokenStore, type TokenStore } from './store.ts';

/** A complete request. */
export interface ServiceRequest {
  readonly headers: IncomingMessage['headers'];
  readonly query: URLSearchParams;
  /** The decoded matches of the groups in the route's path. */
  readonly parts: readonly string[];
  readonly body: Readonly<Record<string, unknown>>;
}

export interface ServiceAnswer {
  readonly status: number;
  readonly json?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Routes such as `GET /users/([^/]+)/tokens`, and their answers. */
export type Routes = Readonly<Record<string, (request: ServiceRequest) => ServiceAnswer>>;

/** An HTTP service that issues, accepts, lists and revokes tokens. */
export interface TokenService {
  /** Such as `http://127.0.0.1:4000`. */
  readonly url: string;
  readonly port: number;
  readonly store: TokenStore;
  /** Counts requests that were refused because of their token. */
  readonly refusals: { count: number };
  /** May answer a request instead of the service. Returns true if it does. */
  interfere: (request: IncomingMessage, response: ServerResponse) => boolean;
  /** If it returns true, the connection breaks before the answer. */
  lose: (request: IncomingMessage) => boolean;
  stop(): Promise<void>;
}

/** Starts a service on a free port of this machine. @param tls a certificate and its key in PEM. Default: plain HTTP */
export async function startTokenService(
  routesOf: (store: TokenStore) => Routes,
  tls?: { readonly cert: string; readonly key: string },
): Promise<TokenService> {
  const store = createTokenStore();
  const routes = Object.entries(routesOf(store)).map(([pattern, answer]) => {
    const [method = '', path] = pattern.split(' ');
    return { method, path: new RegExp(`^${path}$`), answer };
  });
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (service.interfere(request, response)) return;
    const { pathname, searchParams: query } = new URL(request.url ?? '/', 'http://service');
    const body = bodyOf(request, await text(request));
    const route = routes.find(({ method, path }) => method === request.method && path.test(pathname));
    const parts = (route?.path.exec(pathname) ?? []).slice(1).map(decodeURIComponent);
    const { headers } = request;
    const {
      status,
      json,
      headers: more = {},
    } = route?.answer({ headers, query, parts, body }) ?? { status: 404 };
    if (status === 401) service.refusals.count += 1;
    if (service.lose(request)) return void response.destroy();
    response.writeHead(status, { 'content-type': 'application/json', ...more });
    response.end(json === undefined ? '' : JSON.stringify(json));
  };
  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    // The client may hang up in the middle of a request.
    answer(request, response).catch(() => response.destroy());
  };
  const server = tls === undefined ? createServer(handle) : createTlsServer(tls, handle);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const service: TokenService = {
    url: tls === undefined ? `http://127.0.0.1:${port}` : `https://localhost:${port}`,
    port,
    store,
    refusals: { count: 0 },
    interfere: () => false,
    lose: () => false,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return service;
}

function bodyOf({ headers }: IncomingMessage, body: string): ServiceRequest['body'] {
  if (body === '') return {};
  return headers['content-type'] === 'application/x-www-form-urlencoded'
    ? Object.fromEntries(new URLSearchParams(body))
    : JSON.parse(body);
}

/** The token after `Bearer`. */
export function bearerOf({ headers }: ServiceRequest): string | undefined {
  return /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1];
}
