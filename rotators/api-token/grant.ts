import {
  type ClientCredentials,
  type KnownWays,
  knownWayKey,
  type ShownCredentials,
  showBy,
  waysOfMethods,
} from '../http/client-authentication.ts';
import { asSegment } from '../http/encoding.ts';
import { ApiFailure, codeOfStatus } from '../http/failure.ts';
import { readJson, reasonIn, requireTextAt, textAt, valueAt } from '../http/json.ts';
import { type HttpAnswer, type HttpRequest, type Sending, send } from '../http/send.ts';
import type { Transport } from '../http/transport.ts';
import type { Authentication } from './description.ts';
import { fill, unencoded, type Values } from './template.ts';

type ClientCredentialsGrant = Extract<Authentication, { readonly scheme: 'client-credentials' }>;

/** The answer of a token endpoint. */
export interface Grant {
  /** Undefined if the endpoint refuses the client. */
  readonly token: string | undefined;
  readonly answer: HttpAnswer;
}

/** What a request for a grant needs. */
export interface Asking {
  readonly values: Values;
  readonly sending: Sending;
  readonly transport: Transport;
  readonly known: KnownWays;
}

/**
 * Asks a token endpoint for an access token, with a client's own credentials.
 *
 * There are several ways to show these credentials. The description may name one. Otherwise the server of `issuer` may publish
 * some. Otherwise the form is tried, and then Basic authentication. The way that works is remembered. It is safe to try: a refused
 * request of this grant uses nothing up.
 *
 * @throws ApiFailure, InvalidSecretField
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-4.4
 */
export async function requestGrant(auth: ClientCredentialsGrant, asking: Asking): Promise<Grant> {
  const { values, sending, transport, known } = asking;
  const name = `the token request of ${sending.name}`;
  const client = {
    clientId: fill(auth.clientId, values, unencoded),
    clientSecret: fill(auth.clientSecret, values, unencoded),
  };
  const url = new URL(fill(auth.tokenUrl, values, asSegment));
  const key = knownWayKey([url.href], client);
  const remembered = known.get(key);
  const ways = remembered === undefined ? await waysOf(auth, client, asking) : [remembered];
  let refusal: Grant | undefined;
  let failure: ApiFailure | undefined;
  for (const way of ways) {
    const shown = showBy(way, client);
    const answer = await send(makeRequest(auth, url, shown, values), { ...sending, name }, transport);
    const { status } = answer;
    if (status === 200) {
      known.set(key, way);
      return { token: requireTextAt(name, readJson(name, answer), '/access_token'), answer };
    }
    // The answer of a gateway (502, 504) may be no JSON.
    const error =
      codeOfStatus(status) === 'TargetFailed' && status !== 401 ? errorIn(name, answer) : undefined;
    // RFC 6749, section 5.2: the status of a refused client may also be 400.
    if (status === 401 || error === 'invalid_client') {
      refusal ??= { token: undefined, answer };
      continue;
    }
    const sent = [client.clientSecret, ...(shown.authorization?.split(' ').slice(1) ?? [])];
    const said = reasonIn(answer, sent);
    failure ??= new ApiFailure(codeOfStatus(status), `${name} was answered ${status}`, { said });
    // The server answers invalid_request if it looks for the client's credentials elsewhere. Other errors are the same in every way.
    if (error !== 'invalid_request') throw failure;
  }
  if (refusal === undefined) throw failure;
  return refusal;
}

function errorIn(name: string, answer: HttpAnswer): string | undefined {
  return textAt(readJson(name, answer), '/error');
}

/** The ways that may work, the likeliest first. */
async function waysOf(auth: ClientCredentialsGrant, client: ClientCredentials, asking: Asking) {
  if (auth.authentication !== undefined) return waysOfMethods([auth.authentication], client);
  const published = auth.issuer === undefined ? [] : await publishedMethods(auth.issuer, asking);
  const ways = waysOfMethods(
    published.filter((method) => method !== 'none'),
    client,
  );
  return ways.length > 0 ? ways : waysOfMethods(['client_secret_post', 'client_secret_basic'], client);
}

/** Paths of a server's metadata: OpenID Connect Discovery 1.0, section 4, and RFC 8414, section 3. */
const placesOfMetadata: readonly ((issuer: URL) => string)[] = [
  ({ pathname }) => `${pathname.replace(/\/$/, '')}/.well-known/openid-configuration`,
  ({ pathname }) => `/.well-known/oauth-authorization-server${pathname.replace(/\/$/, '')}`,
];

/** The methods that a server publishes for its token endpoint; empty if it publishes no metadata. */
async function publishedMethods(
  issuer: string,
  { values, sending, transport }: Asking,
): Promise<readonly string[]> {
  const name = "the server's metadata";
  const base = new URL(fill(issuer, values, asSegment));
  for (const placeIn of placesOfMetadata) {
    const url = new URL(placeIn(base), base);
    const headers = { accept: 'application/json' };
    const answer = await send(
      { method: 'GET', url, headers, body: undefined },
      { ...sending, name },
      transport,
    );
    if (answer.status !== 200) continue;
    const methods = valueAt(readJson(name, answer), '/token_endpoint_auth_methods_supported');
    return Array.isArray(methods) ? methods.map(String) : ['client_secret_basic'];
  }
  return [];
}

function makeRequest(
  { scope }: ClientCredentialsGrant,
  url: URL,
  { authorization, form }: ShownCredentials,
  values: Values,
): HttpRequest {
  const body = new URLSearchParams({ grant_type: 'client_credentials', ...form });
  if (scope !== undefined) body.set('scope', fill(scope, values, unencoded));
  return {
    method: 'POST',
    url,
    headers: {
      accept: 'application/json',
      'content-type': 'application/x-www-form-urlencoded',
      ...(authorization !== undefined && { authorization }),
    },
    body: body.toString(),
  };
}
