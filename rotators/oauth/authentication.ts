import type { AuthorizationServer, ClientAuth } from 'oauth4webapi';
import {
  type KnownWays,
  knownWayKey,
  showBy,
  type Way,
  waysOfMethods,
} from '../http/client-authentication.ts';
import type { OAuthClient } from './client.ts';
import { isClientRefused, Refusal } from './refusal.ts';

/** An endpoint where a client must show who it is. */
export type Endpoint = 'token' | 'introspection' | 'revocation';

/**
 * Makes a request, and finds a way to authenticate that the server accepts.
 *
 * Servers differ. RFC 6749, section 2.3.1, says that the id and the secret are encoded for Basic authentication, but some servers
 * don't decode them, and answer `invalid_client`. Many servers accept other ways at introspection than at the token endpoint. So
 * the ways are tried in this order: what the secret says, what the server publishes, what is usual. If the server refuses the
 * client, the next way is tried.
 *
 * A server checks the client first (section 5.2). So a request of a refused client uses nothing up. To be safe, a grant that can be
 * used only once is never used to try a way. `probe` is used for that.
 *
 * @param request makes the request; rejects with a Refusal
 * @param probe like `request`, but with a grant that doesn't exist
 * @throws Refusal if all ways are refused: the first one that says that the client is refused, else the first one
 */
export async function authenticated<T>(
  known: KnownWays,
  credential: OAuthClient,
  { endpoint, server }: { readonly endpoint: Endpoint; readonly server: AuthorizationServer },
  request: (authentication: ClientAuth) => Promise<T>,
  probe?: (authentication: ClientAuth) => Promise<unknown>,
): Promise<T> {
  const key = knownWayKey([endpoint, server[`${endpoint}_endpoint`]], credential);
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
          // The server refused something else, so it has accepted the client.
          if (error instanceof Refusal && error.status < 500) known.set(key, way);
          throw error;
        }
        // `invalid_client` says more than `invalid_request`.
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

/** If the server refuses only the grant of a probe, it has accepted the client. */
function throwIfWayRefused(error: unknown): void {
  if (isWayRefused(error) || !(error instanceof Refusal)) throw error;
}

/**
 * Whether another way to authenticate may work. A server that looks for the client in another place does not find it, and answers
 * `invalid_request` (RFC 6749, section 5.2).
 */
function isWayRefused(error: unknown): boolean {
  return isClientRefused(error) || (error instanceof Refusal && error.code === 'invalid_request');
}

/** The ways that may work, the likeliest first. */
function waysOf(credential: OAuthClient, endpoint: Endpoint, server: AuthorizationServer): Way[] {
  const { authentication, clientSecret } = credential;
  if (clientSecret === undefined) return ['none'];
  const published: unknown = server[`${endpoint}_endpoint_auth_methods_supported`];
  const offered = Array.isArray(published) ? published.map(String) : [];
  const chosen = authentication === undefined ? [] : [authentication];
  // The secret's method is about the token endpoint. At other endpoints, further methods may work too.
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
