import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { text } from 'node:stream/consumers';
import { createTokenStore, type TokenStore } from './store.ts';

/** A request that was read to its end. */
export interface ServiceRequest {
  readonly headers: IncomingMessage['headers'];
  readonly query: URLSearchParams;
  /** What the groups of the route's path have matched, decoded. */
  readonly parts: readonly string[];
  readonly body: Readonly<Record<string, unknown>>;
}

export interface ServiceAnswer {
  readonly status: number;
  readonly json?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** `GET /users/([^/]+)/tokens`, and what it answers. */
export type Routes = Readonly<Record<string, (request: ServiceRequest) => ServiceAnswer>>;

/** An HTTP service that issues tokens, lets in whoever has one, lists and revokes them. */
export interface TokenService {
  /** Such as `http://127.0.0.1:4000`. */
  readonly url: string;
  readonly port: number;
  readonly store: TokenStore;
  /** Requests that were refused for who made them. */
  readonly refusals: { count: number };
  /** Answers a request in place of the service, where it returns true. */
  interfere: (request: IncomingMessage, response: ServerResponse) => boolean;
  /** Breaks the connection before the answer, where it returns true. */
  lose: (request: IncomingMessage) => boolean;
  stop(): Promise<void>;
}

/** Starts a service on a free port of this machine. @param tls a certificate and its key in PEM; plain HTTP without */
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
    // A client that has gone away ends a request in the middle.
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

/** What follows `Bearer`. */
export function bearerOf({ headers }: ServiceRequest): string | undefined {
  return /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1];
}
