import type { AuthorizationServer, Client, ClientAuth } from 'oauth4webapi';
import { missing, type RotatorContext, requireSuitable } from '../../src/rotator/index.ts';
import type { KnownWays } from '../http/client-authentication.ts';
import { send } from '../http/send.ts';
import { createTransport, type Transport, type TransportOptions } from '../http/transport.ts';
import { authenticated, type Endpoint } from './authentication.ts';
import type { OAuthClient } from './client.ts';
import { accepted, Refusal } from './refusal.ts';

type Library = typeof import('oauth4webapi');

type RequestOptions = ReturnType<typeof requestOptions>;

/** Kept from one call to the next. */
export interface Reach {
  readonly transport: Transport;
  readonly known: KnownWays;
}

/** The context of a call, with what is kept between calls. */
export interface CallContext extends RotatorContext, Reach {}

/** Made once for each rotator. */
export function createReach(options: TransportOptions): Reach {
  return { transport: createTransport(options), known: new Map() };
}

/** A client and its server, ready for requests. */
export interface Connection {
  readonly library: Library;
  readonly server: AuthorizationServer;
  readonly client: Client;
  /** Makes a request with a way to authenticate that the server accepts. See {@link authenticated}. */
  as<T>(
    endpoint: Endpoint,
    request: (authentication: ClientAuth) => Promise<T>,
    probe?: (authentication: ClientAuth) => Promise<unknown>,
  ): Promise<T>;
  /** @param name the request's name in errors */
  optionsFor(name: string): RequestOptions;
}

/** Sends with the kit for HTTP, in the manner of `fetch`, which the library expects. */
export async function sendOf(
  name: string,
  { signal, transport }: Pick<CallContext, 'signal' | 'transport'>,
  url: string,
  { method = 'GET', headers, body: form }: RequestInit,
): Promise<Response> {
  const request = {
    method,
    url: new URL(url),
    headers: Object.fromEntries(new Headers(headers)),
    // The library sends a form, and this rotator sends JSON text. Both become their text.
    body: form === undefined || form === null ? undefined : String(form),
  };
  const answer = await send(request, { name, signal }, transport);
  // The constructor throws for a status without a body, such as 204, if it gets one. For a text it would add a content type.
  const body = answer.text === '' ? null : Buffer.from(answer.text);
  return new Response(body, { status: answer.status, headers: answer.headers });
}

function requestOptions(library: Library, context: CallContext, name: string) {
  return {
    [library.customFetch]: (url: string, init: RequestInit) => sendOf(name, context, url, init),
    // The kit for HTTP decides which URLs are secure, so that the rule is in one place.
    [library.allowInsecureRequests]: true,
  };
}

async function loadLibrary(): Promise<Library> {
  requireSuitable('oauth4webapi');
  try {
    return await import('oauth4webapi');
  } catch (error) {
    return missing('oauth4webapi')(error);
  }
}

/** Loads the library and, if the secret names an issuer, the server's metadata. @throws DriverMissing, ApiFailure, Refusal */
export async function connect(credential: OAuthClient, context: CallContext): Promise<Connection> {
  context.signal.throwIfAborted();
  const library = await loadLibrary();
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

/** The server's metadata. Endpoints in the secret win over them. */
async function serverOf(
  { issuer, tokenEndpoint, introspectionEndpoint, revocationEndpoint }: OAuthClient,
  library: Library,
  options: RequestOptions,
): Promise<AuthorizationServer> {
  return {
    // The library requires an issuer. None of the calls made here compares it with anything.
    ...(issuer === undefined ? { issuer: 'unnamed' } : await discover(library, options, issuer)),
    ...(tokenEndpoint === undefined ? {} : { token_endpoint: tokenEndpoint }),
    ...(introspectionEndpoint === undefined ? {} : { introspection_endpoint: introspectionEndpoint }),
    ...(revocationEndpoint === undefined ? {} : { revocation_endpoint: revocationEndpoint }),
  };
}

/** First OpenID Connect Discovery 1.0, section 4, which most servers have. After 404, RFC 8414, section 3. */
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
