import { KeyturnError } from '../../src/rotator/index.ts';
import { type JsonObject, readAnswer, textIn } from './answers.ts';
import { type CallContext, sendOf } from './connection.ts';
import { accepted, Refusal } from './refusal.ts';

/** The URL of a client's registration, and the token that gives access to it. */
export interface RegistrationAccess {
  /** The `registration_client_uri` (RFC 7592). */
  readonly uri: string;
  /** The `registration_access_token` (RFC 7592). */
  readonly accessToken: string;
}

/** A client's registration, as the server answered it. */
export interface Registration {
  readonly metadata: JsonObject;
  /** The access from now on. The server may replace the URL and the token at any use. */
  readonly access: RegistrationAccess;
}

/** Members of a registration that a client must not send back (RFC 7592, section 2.2). */
const serversOwn = [
  'registration_access_token',
  'registration_client_uri',
  'client_secret_expires_at',
  'client_id_issued_at',
  // A client may send its secret. Without it, the server makes another one.
  'client_secret',
];

/**
 * Reads a registration with the newest access token that the server accepts.
 *
 * @throws NoCredentialAccepted
 * @see https://www.rfc-editor.org/rfc/rfc7592#section-2.1
 * @internal
 */
export async function readRegistration(
  context: CallContext,
  newestFirst: AsyncIterable<{ readonly registration: RegistrationAccess }>,
): Promise<Registration> {
  for await (const { registration } of newestFirst) {
    try {
      return await manage(context, 'GET', registration);
    } catch (error) {
      if (!(error instanceof Refusal) || error.status !== 401) throw error;
    }
  }
  throw new KeyturnError(
    'NoCredentialAccepted',
    'The server refuses the registration access token of every stored version.',
    "Have the server's operator issue a new registration_access_token, store it with PutSecretValue, and rotate again.",
  );
}

/**
 * Updates a registration with the same values, except the client secret, so that the server makes a new one.
 *
 * @see https://www.rfc-editor.org/rfc/rfc7592#section-2.2
 * @internal
 */
export function renewRegistration(
  context: CallContext,
  { metadata, access }: Registration,
): Promise<Registration> {
  const kept = Object.entries(metadata).filter(([member]) => !serversOwn.includes(member));
  return manage(context, 'PUT', access, JSON.stringify(Object.fromEntries(kept)));
}

async function manage(
  context: CallContext,
  method: 'GET' | 'PUT',
  { uri, accessToken }: RegistrationAccess,
  body?: string,
): Promise<Registration> {
  const headers = {
    authorization: `Bearer ${accessToken}`,
    accept: 'application/json',
    'content-type': 'application/json',
  };
  const init = { method, headers, ...(body !== undefined && { body }) };
  const response = await sendOf('the registration', context, uri, init);
  const metadata = await readAnswer(await accepted(response));
  return {
    metadata,
    access: {
      uri: placeIn(metadata, uri),
      accessToken: textIn(metadata, 'registration_access_token') ?? accessToken,
    },
  };
}

/** The registration's URL from now on. A URL with another origin is ignored: a server behind a proxy may not know its own name. */
function placeIn(metadata: JsonObject, uri: string): string {
  const answered = URL.parse(textIn(metadata, 'registration_client_uri') ?? '');
  return answered?.origin === new URL(uri).origin ? answered.href : uri;
}
