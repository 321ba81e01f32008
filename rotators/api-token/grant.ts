import { asSegment } from '../http/encoding.ts';
import { ApiFailure, codeOfStatus } from '../http/failure.ts';
import { readJson, reasonIn, requireTextAt, textAt } from '../http/json.ts';
import { type Answer, type HttpRequest, type Sending, send } from '../http/send.ts';
import type { Transport } from '../http/transport.ts';
import type { Authentication } from './description.ts';
import { fill, unencoded, type Values } from './template.ts';

type ClientCredentials = Extract<Authentication, { readonly scheme: 'client-credentials' }>;

/** What a token endpoint has answered. */
export interface Grant {
  /** Undefined where it refuses the client. */
  readonly token: string | undefined;
  readonly answer: Answer;
}

/**
 * Asks a token endpoint for an access token, by a client's own credentials.
 *
 * @throws ApiFailure, InvalidSecretField
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-4.4
 */
export async function requestGrant(
  auth: ClientCredentials,
  values: Values,
  sending: Sending,
  transport: Transport,
): Promise<Grant> {
  const name = `the token request of ${sending.name}`;
  const answer = await send(makeRequest(auth, values), { ...sending, name }, transport);
  const { status, text } = answer;
  if (status === 401) return { token: undefined, answer };
  if (status === 200) return { token: requireTextAt(name, readJson(name, answer), '/access_token'), answer };
  // A gateway's answer is no JSON.
  if (codeOfStatus(status) === 'TargetFailed') {
    // RFC 6749, section 5.2: the status of a refused client may also be 400.
    if (textAt(readJson(name, answer), '/error') === 'invalid_client') return { token: undefined, answer };
  }
  const said = reasonIn(text, [fill(auth.clientSecret, values, unencoded)]);
  throw new ApiFailure(codeOfStatus(status), `${name} was answered ${status}`, { said });
}

function makeRequest(
  { tokenUrl, clientId, clientSecret, scope }: ClientCredentials,
  values: Values,
): HttpRequest {
  const body = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: fill(clientId, values, unencoded),
    client_secret: fill(clientSecret, values, unencoded),
  });
  if (scope !== undefined) body.set('scope', fill(scope, values, unencoded));
  return {
    method: 'POST',
    url: new URL(fill(tokenUrl, values, asSegment)),
    headers: {
      accept: 'application/json',
      'user-agent': 'keyturn',
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: body.toString(),
  };
}
