import {
  type ClientCredentials,
  type KnownWays,
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

/** What a token endpoint has answered. */
export interface Grant {
  /** Undefined where it refuses the client. */
  readonly token: string | undefined;
  readonly answer: HttpAnswer;
}

/** What a grant is asked for with. */
export interface Asking {
  readonly values: Values;
  readonly sending: Sending;
  readonly transport: Transport;
  readonly known: KnownWays;
}

/**
 * Asks a token endpoint for an access token, by a client's own credentials.
 *
 * The client says who it is as the description says, else as the server of `issuer` publishes, else by whatever works: the
 * form, then Basic authentication. Which way works is found out once. A grant of this kind is used up by nothing, so it
 * may be tried.
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
  const key = JSON.stringify([url.href, client.clientId]);
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
    // A gateway's answer is no JSON.
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
    // A server that looks for the client elsewhere may miss it. Whatever else is wrong is not the way.
    if (error !== 'invalid_request') throw failure;
  }
  if (refusal === undefined) throw failure;
  return refusal;
}

function errorIn(name: string, answer: HttpAnswer): string | undefined {
  return textAt(readJson(name, answer), '/error');
}

/** The ways that may work, likeliest first. */
async function waysOf(auth: ClientCredentialsGrant, client: ClientCredentials, asking: Asking) {
  if (auth.authentication !== undefined) return waysOfMethods([auth.authentication], client);
  const published = auth.issuer === undefined ? [] : await publishedMethods(auth.issuer, asking);
  const ways = waysOfMethods(
    published.filter((method) => method !== 'none'),
    client,
  );
  return ways.length > 0 ? ways : waysOfMethods(['client_secret_post', 'client_secret_basic'], client);
}

/** Where a server's metadata are: OpenID Connect Discovery 1.0, section 4, and RFC 8414, section 3. */
const placesOfMetadata: readonly ((issuer: URL) => string)[] = [
  ({ pathname }) => `${pathname.replace(/\/$/, '')}/.well-known/openid-configuration`,
  ({ pathname }) => `/.well-known/oauth-authorization-server${pathname.replace(/\/$/, '')}`,
];

/** The methods of a server's token endpoint, as it publishes them; none where it publishes nothing. */
async function publishedMethods(
  issuer: string,
  { values, sending, transport }: Asking,
): Promise<readonly string[]> {
  const name = "the server's metadata";
  const base = new URL(fill(issuer, values, asSegment));
  for (const placeIn of placesOfMetadata) {
    const url = new URL(placeIn(base), base);
    const headers = { accept: 'application/json', 'user-agent': 'keyturn' };
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
      'user-agent': 'keyturn',
      'content-type': 'application/x-www-form-urlencoded',
      ...(authorization !== undefined && { authorization }),
    },
    body: body.toString(),
  };
}
