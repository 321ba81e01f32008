import type { AuthorizationServer, ClientAuth } from 'oauth4webapi';
import { basic } from '../http/encoding.ts';
import type { OAuthClient } from './client.ts';
import { isClientRefused, Refusal } from './refusal.ts';

/** An endpoint at which a client has to say who it is. */
export type Endpoint = 'token' | 'introspection' | 'revocation';

/** A way in which a client says who it is. `plain-basic` is Basic authentication without the encoding of OAuth. */
type Way = 'basic' | 'plain-basic' | 'post' | 'none';

/** Which way has worked, by endpoint and client. Kept for as long as the function is warm. */
export type KnownWays = Map<string, Way>;

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
        if (probe !== undefined && ways.length > 1) await probe(authentication).catch(throwIfClientRefused);
        return { result: await request(authentication) };
      } catch (error) {
        if (!isClientRefused(error)) {
          // Whatever else was refused, the client was not.
          if (error instanceof Refusal && error.status < 500) known.set(key, way);
          throw error;
        }
        refusal ??= error;
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
function throwIfClientRefused(error: unknown): void {
  if (isClientRefused(error) || !(error instanceof Refusal)) throw error;
}

const waysByMethod: Readonly<Record<string, readonly Way[]>> = {
  client_secret_basic: ['basic', 'plain-basic'],
  client_secret_post: ['post'],
  none: ['none'],
};

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
  const ways = methods.filter((method) => method !== 'none').flatMap((method) => waysByMethod[method] ?? []);
  const usable: Way[] = ways.length > 0 ? ways : ['basic', 'plain-basic'];
  const isSame = basicOf(credential, formEncoded) === basicOf(credential, String);
  return [...new Set(usable)].filter((way) => way !== 'plain-basic' || !isSame);
}

function basicOf({ clientId, clientSecret = '' }: OAuthClient, encode: (text: string) => string): string {
  return basic(encode(clientId), encode(clientSecret));
}

/** As forms are encoded: RFC 6749, appendix B. */
function formEncoded(text: string): string {
  return new URLSearchParams({ '': text }).toString().slice(1);
}

function authenticationBy(way: Way, credential: OAuthClient): ClientAuth {
  const { clientId, clientSecret = '' } = credential;
  return (_server, _client, body, headers) => {
    switch (way) {
      case 'basic':
        headers.set('authorization', basicOf(credential, formEncoded));
        return;
      case 'plain-basic':
        headers.set('authorization', basicOf(credential, String));
        return;
      case 'post':
        body.set('client_id', clientId);
        body.set('client_secret', clientSecret);
        return;
      case 'none':
        body.set('client_id', clientId);
    }
  };
}
