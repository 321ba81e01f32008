import type { AuthorizationServer, Client, ClientAuth } from 'oauth4webapi';
import { missing, type RotatorContext } from '../../src/rotator/index.ts';
import type { KnownWays } from '../http/client-authentication.ts';
import { send } from '../http/send.ts';
import { createTransport, type Transport, type TransportOptions } from '../http/transport.ts';
import { authenticated, type Endpoint } from './authentication.ts';
import type { OAuthClient } from './client.ts';
import { accepted, Refusal } from './refusal.ts';

type Library = typeof import('oauth4webapi');

type RequestOptions = ReturnType<typeof requestOptions>;

/** What is kept from one call to the next. */
export interface Reach {
  readonly transport: Transport;
  readonly known: KnownWays;
}

/** What a call works with. */
export interface CallContext extends RotatorContext, Reach {}

/** How servers are reached. */
export function createReach(options: TransportOptions): Reach {
  return { transport: createTransport(options), known: new Map() };
}

/** How a client reaches its server. */
export interface Connection {
  readonly library: Library;
  readonly server: AuthorizationServer;
  readonly client: Client;
  /** Makes a request in a way in which the server knows the client. See {@link authenticated}. */
  as<T>(
    endpoint: Endpoint,
    request: (authentication: ClientAuth) => Promise<T>,
    probe?: (authentication: ClientAuth) => Promise<unknown>,
  ): Promise<T>;
  /** @param name what errors call the request */
  optionsFor(name: string): RequestOptions;
}

/** Sends by the kit for HTTP, in the form that the library asks for. */
export async function sendOf(
  name: string,
  { signal, transport }: Pick<CallContext, 'signal' | 'transport'>,
  url: string,
  { method = 'GET', headers, body }: RequestInit,
): Promise<Response> {
  const request = {
    method,
    url: new URL(url),
    headers: Object.fromEntries(new Headers(headers)),
    // A form is sent as its text. The library and this rotator send nothing else.
    body: body === undefined || body === null ? undefined : String(body),
  };
  const answer = await send(request, { name, signal }, transport);
  // The Response of a status that has no body takes none.
  const text = answer.text === '' ? null : answer.text;
  return new Response(text, { status: answer.status, headers: answer.headers });
}

function requestOptions(library: Library, context: CallContext, name: string) {
  return {
    [library.customFetch]: (url: string, init: RequestInit) => sendOf(name, context, url, init),
    // What is secure is said in one place, which is the kit.
    [library.allowInsecureRequests]: true,
  };
}

/** Prepares calls: loads the library, and the server's metadata where the secret names an issuer. */
export async function connect(credential: OAuthClient, context: CallContext): Promise<Connection> {
  context.signal.throwIfAborted();
  const library = await import('oauth4webapi').catch(missing('oauth4webapi'));
  const optionsFor = (name: string): RequestOptions => requestOptions(library, context, name);
  const server = await serverOf(credential, library, optionsFor("the server's metadata"));
  return {
    library,
    server,
    client: { client_id: credential.clientId },
    as: (endpoint, request, probe) =>
      authenticated(context.known, credential, { endpoint, server }, request, probe),
    optionsFor,
  };
}

/** What the secret says of the server wins over what the server says of itself. */
async function serverOf(
  { issuer, tokenEndpoint, introspectionEndpoint, revocationEndpoint }: OAuthClient,
  library: Library,
  options: RequestOptions,
): Promise<AuthorizationServer> {
  return {
    // The library wants an issuer, and compares it with nothing that is asked for here.
    ...(issuer === undefined ? { issuer: 'unnamed' } : await discover(library, options, issuer)),
    ...(tokenEndpoint === undefined ? {} : { token_endpoint: tokenEndpoint }),
    ...(introspectionEndpoint === undefined ? {} : { introspection_endpoint: introspectionEndpoint }),
    ...(revocationEndpoint === undefined ? {} : { revocation_endpoint: revocationEndpoint }),
  };
}

/** OpenID Connect Discovery 1.0, section 4, which most servers have; else RFC 8414, section 3. */
async function discover(
  library: Library,
  options: RequestOptions,
  issuer: string,
): Promise<AuthorizationServer> {
  const ask = async (algorithm: 'oidc' | 'oauth2') => {
    const answer = await library.discoveryRequest(new URL(issuer), { ...options, algorithm });
    return library.processDiscoveryResponse(new URL(issuer), await accepted(answer));
  };
  try {
    return await ask('oidc');
  } catch (error) {
    if (error instanceof Refusal && error.status === 404) return ask('oauth2');
    throw error;
  }
}
