import {
  contradictoryField,
  optionalText,
  requireText,
  type SecretFields,
  type Target,
} from '../../src/rotator/index.ts';
import { optionalEndpoint } from './endpoints.ts';

/** How a client shows who it is (RFC 6749, section 2.3.1; RFC 7591, section 2). */
const authenticationMethods = ['client_secret_basic', 'client_secret_post', 'none'] as const;

/** One of these methods. */
type AuthenticationMethod = (typeof authenticationMethods)[number];

/** A client of an authorization server, as the secret describes it. */
export interface OAuthClient {
  /** The issuer, whose metadata name the endpoints. Endpoints in the secret win over the metadata. */
  readonly issuer: string | undefined;
  /** The token endpoint's URL; undefined: the metadata of `issuer` say it. */
  readonly tokenEndpoint: string | undefined;
  /** The introspection endpoint's URL (RFC 7662), if the secret names one. */
  readonly introspectionEndpoint: string | undefined;
  /** The revocation endpoint's URL (RFC 7009), if the secret names one. */
  readonly revocationEndpoint: string | undefined;
  /** The client's id. */
  readonly clientId: string;
  /** Absent for a public client. */
  readonly clientSecret: string | undefined;
  /** The secret's `token_endpoint_auth_method`; undefined: the server's metadata decide. */
  readonly authentication: AuthenticationMethod | undefined;
}

function parseMethod(fields: SecretFields, secret: string | undefined): AuthenticationMethod | undefined {
  const field = 'token_endpoint_auth_method';
  const given = optionalText(fields, field) ?? (secret === undefined ? 'none' : undefined);
  if (given === undefined) return undefined;
  const method = authenticationMethods.find((known) => known === given);
  if (method === undefined)
    throw contradictoryField(field, `must be one of ${authenticationMethods.join(', ')}`);
  if (method !== 'none' && secret === undefined)
    throw contradictoryField('client_secret', `is missing: ${method} needs it`);
  return method;
}

/**
 * Reads the fields of a client, which have the names of RFC 7591 and RFC 8414.
 *
 * @throws InvalidSecretField
 */
export function parseClient(fields: SecretFields): OAuthClient {
  const clientSecret = optionalText(fields, 'client_secret');
  return {
    issuer: optionalEndpoint(fields, 'issuer'),
    tokenEndpoint: optionalEndpoint(fields, 'token_endpoint'),
    introspectionEndpoint: optionalEndpoint(fields, 'introspection_endpoint'),
    revocationEndpoint: optionalEndpoint(fields, 'revocation_endpoint'),
    clientId: requireText(fields, 'client_id'),
    clientSecret,
    authentication: parseMethod(fields, clientSecret),
  };
}

/**
 * The target of a client's credentials. It includes every endpoint that the secret names, because tokens or the client secret are
 * sent to each of them.
 *
 * @param place a URL of the server
 */
export function targetOf(client: OAuthClient, place: string): Target {
  const { issuer, tokenEndpoint, introspectionEndpoint, revocationEndpoint } = client;
  const endpoints = [issuer, tokenEndpoint, introspectionEndpoint, revocationEndpoint];
  return {
    host: new URL(place).origin,
    account: client.clientId,
    endpoints: endpoints.map((endpoint) => endpoint ?? ''),
  };
}
