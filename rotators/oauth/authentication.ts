import type { AuthorizationServer, ClientAuth } from 'oauth4webapi';
import { type KnownWays, showBy, type Way, waysOfMethods } from '../http/client-authentication.ts';
import type { OAuthClient } from './client.ts';
import { isClientRefused, Refusal } from './refusal.ts';

/** An endpoint at which a client has to say who it is. */
export type Endpoint = 'token' | 'introspection' | 'revocation';

/**
 * Makes a request that a client authenticates, in a way that the server takes.
 *
 * RFC 6749, section 2.3.1, has the id and the secret encoded before they are joined for Basic authentication. Servers that
 * don't decode them answer `invalid_client`. Many servers take other ways at introspection than at the token endpoint. So
 * what the secret says comes first, then what the server publishes; and where a client is refused, the next way is tried.
 * A server looks at the client before anything else (section 5.2), so a refused client has used nothing up. Still a grant
 * that can be used only once is not what a way is tried with: that is `probe`.
 *
 * @param request makes the request; rejects with a Refusal
 * @param probe as request, with a grant that doesn't exist
 * @throws Refusal of the first way, where all are refused
 */
export async function authenticated<T>(
  known: KnownWays,
  credential: OAuthClient,
  { endpoint, server }: { readonly endpoint: Endpoint; readonly server: AuthorizationServer },
  request: (authentication: ClientAuth) => Promise<T>,
  probe?: (authentication: ClientAuth) => Promise<unknown>,
): Promise<T> {
  const key = JSON.stringify([endpoint, server[`${endpoint}_endpoint`], credential.clientId]);
  const remembered = known.get(key);
  const all = waysOf(credential, endpoint, server);
  const ways = remembered !== undefined && all.includes(remembered) ? [remembered] : all;
  let refusal: unknown;
  for (const way of ways) {
    const authentication = authenticationBy(way, credential);
    const attempt = async (): Promise<{ readonly result: T } | undefined> => {
      try {
        if (probe !== undefined && ways.length > 1) await probe(authentication).catch(throwIfWayRefused);
        return { result: await request(authentication) };
      } catch (error) {
        if (!isWayRefused(error)) {
          // Whatever else was refused, the client was not.
          if (error instanceof Refusal && error.status < 500) known.set(key, way);
          throw error;
        }
        // That the client is refused says more than that the request is not understood.
        if (refusal === undefined || (isClientRefused(error) && !isClientRefused(refusal))) refusal = error;
        return undefined;
      }
    };
    const answered = await attempt();
    if (answered === undefined) continue;
    known.set(key, way);
    return answered.result;
  }
  throw refusal;
}

/** That the grant of a probe is refused says that the client is not. */
function throwIfWayRefused(error: unknown): void {
  if (isWayRefused(error) || !(error instanceof Refusal)) throw error;
}

/**
 * Whether another way may be the one that works. A server that looks for the client elsewhere than it is shown may miss it,
 * which is `invalid_request` (RFC 6749, section 5.2).
 */
function isWayRefused(error: unknown): boolean {
  return isClientRefused(error) || (error instanceof Refusal && error.code === 'invalid_request');
}

/** The ways that may work, likeliest first. */
function waysOf(credential: OAuthClient, endpoint: Endpoint, server: AuthorizationServer): Way[] {
  const { authentication, clientSecret } = credential;
  if (clientSecret === undefined) return ['none'];
  const published: unknown = server[`${endpoint}_endpoint_auth_methods_supported`];
  const offered = Array.isArray(published) ? published.map(String) : [];
  const chosen = authentication === undefined ? [] : [authentication];
  // What the secret says is about the token endpoint; elsewhere it comes first and is not all.
  const methods =
    endpoint === 'token'
      ? chosen.length > 0
        ? chosen
        : offered.length > 0
          ? offered
          : ['client_secret_basic']
      : [...(offered.length > 0 ? offered : chosen), 'client_secret_basic', 'client_secret_post'];
  const ways = waysOfMethods(
    methods.filter((method) => method !== 'none'),
    credential,
  );
  return ways.length > 0 ? ways : waysOfMethods(['client_secret_basic'], credential);
}

function authenticationBy(way: Way, credential: OAuthClient): ClientAuth {
  const { authorization, form } = showBy(way, credential);
  return (_server, _client, body, headers) => {
    if (authorization !== undefined) headers.set('authorization', authorization);
    for (const [name, value] of Object.entries(form)) body.set(name, value);
  };
}
