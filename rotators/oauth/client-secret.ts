import { randomUUID } from 'node:crypto';
import {
  contradictoryField,
  type IssueContext,
  type IssuingRotator,
  KeyturnError,
  type Overlap,
  requireText,
  type SecretFields,
} from '../../src/rotator/index.ts';
import { earlyExpiry } from '../http/expiry.ts';
import type { TransportOptions } from '../http/transport.ts';
import { numberIn, textIn } from './answers.ts';
import { type OAuthClient, parseClient, targetOf } from './client.ts';
import { type CallContext, connect, createReach } from './connection.ts';
import { requireEndpoint } from './endpoints.ts';
import { timeMsIn, writtenSeconds } from './expiry.ts';
import { accepted, acceptedRevocation, classify, isClientRefused } from './refusal.ts';
import { type RegistrationAccess, readRegistration, renewRegistration } from './registration.ts';

/** A client that may manage its own registration. */
export interface RegisteredClient extends OAuthClient {
  /** The client's secret. */
  readonly clientSecret: string;
  /** When the client secret expires, in ms since 1970; undefined if it never does. */
  readonly expiresAtMs: number | undefined;
  /** What opens the client's registration. */
  readonly registration: RegistrationAccess;
}

/** How a function rotates client secrets. */
export interface ClientSecretOptions extends TransportOptions {
  /**
   * Whether the server accepts a replaced client secret for some time. `none`: it does not, so AWSCURRENT moves as soon as the new
   * one has proven itself. Default: `until-next-rotation`.
   */
  readonly overlap?: Overlap;
}

function parse(fields: SecretFields): RegisteredClient {
  const clientSecret = requireText(fields, 'client_secret');
  const client = parseClient(fields);
  const { introspectionEndpoint, revocationEndpoint } = client;
  if (introspectionEndpoint === undefined && revocationEndpoint === undefined) requireText(fields, 'issuer');
  if (client.authentication === 'none')
    throw contradictoryField('token_endpoint_auth_method', 'must be one that uses a client secret');
  const expiresAtMs = timeMsIn(fields, 'client_secret_expires_at');
  return {
    ...client,
    clientSecret,
    expiresAtMs: expiresAtMs === 0 ? undefined : expiresAtMs,
    registration: {
      uri: requireEndpoint(fields, 'registration_client_uri'),
      accessToken: requireText(fields, 'registration_access_token'),
    },
  };
}

/**
 * Whether the server accepts the client secret. Asks it to introspect a token that does not exist, or to revoke it. The client must
 * authenticate for this (RFC 7662, section 2.1; RFC 7009, section 2.1), and it changes nothing.
 */
async function isAccepted(credential: RegisteredClient, context: CallContext): Promise<boolean> {
  const { library, server, client, as, optionsFor } = await connect(credential, context);
  const token = randomUUID();
  try {
    if (server.introspection_endpoint === undefined) {
      const options = optionsFor('the revocation');
      await as('revocation', async (authentication) =>
        acceptedRevocation(await library.revocationRequest(server, client, authentication, token, options)),
      );
    } else {
      const options = optionsFor('the introspection');
      const response = await as('introspection', async (authentication) =>
        accepted(await library.introspectionRequest(server, client, authentication, token, options)),
      );
      await library.processIntrospectionResponse(server, client, response);
    }
    return true;
  } catch (error) {
    if (isClientRefused(error)) return false;
    throw error;
  }
}

async function issue(
  current: RegisteredClient,
  context: IssueContext<RegisteredClient> & CallContext,
): Promise<SecretFields> {
  const found = await readRegistration(context, context.stored());
  const newest = textIn(found.metadata, 'client_secret') ?? current.clientSecret;
  // An earlier rotation may have made a client secret that was never stored. Use that one: each further one may end AWSCURRENT's.
  const { metadata, access } =
    newest === current.clientSecret ? await renewRegistration(context, found) : found;
  const clientSecret = textIn(metadata, 'client_secret') ?? current.clientSecret;
  // If the server kept the client secret but replaced the registration access token, store that token first. `verify` throws then.
  if (clientSecret === current.clientSecret && access.accessToken === current.registration.accessToken)
    throw secretKept();
  return {
    client_secret: clientSecret,
    client_secret_expires_at: writtenSeconds(numberIn(metadata, 'client_secret_expires_at')) ?? 0,
    registration_client_uri: access.uri,
    registration_access_token: access.accessToken,
  };
}

/**
 * Rotates a client's secret through its registration: the field `client_secret`. Nothing is revoked. The server decides which
 * secrets it accepts besides the newest.
 *
 * The rotator's calls throw: NoCredentialAccepted if the server refuses the registration access token of every version,
 * TargetFailed if the server keeps the client secret, PermissionDenied, TargetBusy, TargetUnreachable, CertificateRejected,
 * DriverMissing without the package oauth4webapi. `parse` throws InvalidSecretField.
 *
 * @see https://www.rfc-editor.org/rfc/rfc7592
 */
export function oauthClientSecret({
  overlap = 'until-next-rotation',
  ...reach
}: ClientSecretOptions = {}): IssuingRotator<RegisteredClient> {
  const kept = createReach(reach);
  return {
    kind: 'issues',
    name: 'oauth/client-secret',
    overlap,
    issuedBy: 'account',
    parse,
    target: (credential) => targetOf(credential, credential.registration.uri),
    identity: ({ clientSecret }) => clientSecret,
    issue: (current, context) => issue(current, { ...context, ...kept }),
    open: async (credential, context) =>
      (await isAccepted(credential, { ...context, ...kept })) ? { close: async () => undefined } : undefined,
    verify: async (_session, pending, context) => {
      const { clientSecret, registration } = context.current;
      const { accessToken } = pending.registration;
      if (pending.clientSecret === clientSecret && accessToken !== registration.accessToken)
        throw secretKept();
      const warning = earlyExpiry('the client secret', pending.expiresAtMs, context);
      if (warning !== undefined) context.note(`Warning: ${warning}.`);
    },
    classify,
  };
}

function secretKept(): KeyturnError {
  return new KeyturnError(
    'TargetFailed',
    'The server keeps the client secret when the registration is updated, as RFC 7592 allows.',
    "Rotate it by the server's own API, and take AWSPENDING off its version.",
  );
}
