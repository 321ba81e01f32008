import type { AuthorizationServer, Client, ClientAuth } from 'oauth4webapi';
import { AdapterError, missing, type RotatorContext } from '../../src/rotator/index.ts';
import type { Transport } from '../http/transport.ts';
import type { OAuthClient } from './client.ts';
import { isSafe } from './endpoints.ts';
import { accepted, Refusal } from './refusal.ts';

type Library = typeof import('oauth4webapi');

/** What a call works with. */
export interface CallContext extends RotatorContext {
  readonly transport: Transport;
}

/** How a client reaches its server. */
export interface Connection {
  readonly library: Library;
  readonly server: AuthorizationServer;
  readonly client: Client;
  readonly authentication: ClientAuth;
  readonly options: ReturnType<typeof requestOptions>;
}

/** Longest wait for one answer, in ms. */
const patienceMs = 10_000;

/** Ends one call: when the function's time is up, or no answer comes. */
export function patience({ signal }: RotatorContext): AbortSignal {
  return AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]);
}

/** The one way out, by the global fetch of the moment, and only to where credentials may go. */
export async function send(url: string, init: RequestInit, transport: Transport): Promise<Response> {
  if (!isSafe(new URL(url))) throw new AdapterError('the server names an endpoint that is not https');
  const dispatcher = await transport();
  return fetch(url, { ...init, ...(dispatcher && { dispatcher }) });
}

function requestOptions(library: Library, context: CallContext) {
  return {
    signal: () => patience(context),
    [library.customFetch]: (url: string, init: RequestInit) => send(url, init, context.transport),
    // What is secure is said in one place, which is `send`.
    [library.allowInsecureRequests]: true,
  };
}

/** Prepares calls: loads the library, and the server's metadata where the secret names an issuer. */
export async function connect(credential: OAuthClient, context: CallContext): Promise<Connection> {
  context.signal.throwIfAborted();
  const library = await import('oauth4webapi').catch(missing('oauth4webapi'));
  const options = requestOptions(library, context);
  const { clientId, clientSecret = '', authentication } = credential;
  return {
    library,
    server: await serverOf(credential, library, options),
    client: { client_id: clientId },
    authentication: {
      client_secret_basic: () => library.ClientSecretBasic(clientSecret),
      client_secret_post: () => library.ClientSecretPost(clientSecret),
      none: () => library.None(),
    }[authentication](),
    options,
  };
}

/** What the secret says of the server wins over what the server says of itself. */
async function serverOf(
  { issuer, tokenEndpoint, introspectionEndpoint, revocationEndpoint }: OAuthClient,
  library: Library,
  options: Connection['options'],
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
  options: Connection['options'],
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
