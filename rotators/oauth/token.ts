import { randomUUID } from 'node:crypto';
import type { ClientAuth } from 'oauth4webapi';
import {
  optionalText,
  requireText,
  type SecretFields,
  type Session,
  type Target,
} from '../../src/rotator/index.ts';
import { type JsonObject, numberIn, readAnswer, requireIn } from './answers.ts';
import { type OAuthClient, parseClient, targetOf } from './client.ts';
import { type CallContext, type Connection, connect } from './connection.ts';
import { timeMsIn, writtenSeconds } from './expiry.ts';
import { accepted, acceptedRevocation } from './refusal.ts';

/** An access token of a client. */
export interface TokenCredential extends OAuthClient {
  /** Undefined in a first version without a token. */
  readonly accessToken: string | undefined;
  /** When the token expires, in ms since 1970; undefined if the server doesn't say. */
  readonly expiresAtMs: number | undefined;
}

/** A token that the server accepts. */
export interface TokenSession extends Session {
  /** When the token expires, in ms since 1970; undefined if the server doesn't say. */
  readonly expiresAtMs: number | undefined;
}

/** @throws InvalidSecretField */
export function parseToken(fields: SecretFields): TokenCredential {
  const client = parseClient(fields);
  if (client.tokenEndpoint === undefined) requireText(fields, 'issuer');
  return {
    ...client,
    accessToken: optionalText(fields, 'access_token'),
    expiresAtMs: timeMsIn(fields, 'expires_at'),
  };
}

/** The target of a token: its server, and its client. */
export function tokenTarget(credential: TokenCredential): Target {
  return targetOf(credential, credential.tokenEndpoint ?? credential.issuer ?? '');
}

/**
 * Asks for a token.
 *
 * @param usedOnce whether a request uses the grant up. Then a way to authenticate is tried with a grant that does not exist.
 * @throws Refusal
 * @internal
 */
export async function requestToken(
  { library, server, client, as, optionsFor }: Connection,
  grantType: string,
  parameters: Record<string, string>,
  usedOnce = false,
): Promise<JsonObject> {
  const options = optionsFor('the token request');
  const ask = async (authentication: ClientAuth, given: Record<string, string>): Promise<Response> =>
    accepted(
      await library.genericTokenEndpointRequest(server, client, authentication, grantType, given, options),
    );
  const probe = (authentication: ClientAuth): Promise<Response> =>
    ask(authentication, { ...parameters, refresh_token: randomUUID() });
  const request = (authentication: ClientAuth): Promise<Response> => ask(authentication, parameters);
  return readAnswer(await as('token', request, usedOnce ? probe : undefined));
}

/** The fields of the secret, from the answer with a token. @throws AdapterError without a token */
export function tokenFields(answer: JsonObject): SecretFields {
  const seconds = numberIn(answer, 'expires_in') ?? Number.NaN;
  return {
    access_token: requireIn(answer, 'access_token'),
    expires_at: writtenSeconds(Date.now() / 1000 + seconds),
  };
}

/**
 * Introspects a token (RFC 7662). If the server has no endpoint for that, the token counts as accepted until it expires. No RFC
 * has another way to ask.
 *
 * @internal
 */
export async function openToken(
  credential: TokenCredential,
  context: CallContext,
): Promise<TokenSession | undefined> {
  const { accessToken, expiresAtMs } = credential;
  const { library, server, client, as, optionsFor } = await connect(credential, context);
  if (accessToken === undefined) return undefined;
  if (server.introspection_endpoint === undefined) {
    context.note('The server has no introspection endpoint: the token is taken to work until it expires.');
    return expiresAtMs !== undefined && expiresAtMs <= Date.now() ? undefined : session(expiresAtMs);
  }
  const options = optionsFor('the introspection');
  const response = await as('introspection', async (authentication) =>
    accepted(await library.introspectionRequest(server, client, authentication, accessToken, options)),
  );
  const { active, exp } = await library.processIntrospectionResponse(server, client, response);
  return active ? session(exp === undefined ? expiresAtMs : exp * 1000) : undefined;
}

function session(expiresAtMs: number | undefined): TokenSession {
  return { expiresAtMs, close: async () => undefined };
}

/** Revokes an access token (RFC 7009). A token that the server does not know is gone already: the server answers 200. @internal */
export async function revokeToken(credential: TokenCredential, context: CallContext): Promise<void> {
  const { accessToken } = credential;
  if (accessToken === undefined) return;
  const { library, server, client, as, optionsFor } = await connect(credential, context);
  if (server.revocation_endpoint === undefined) {
    context.note('The server has no revocation endpoint: the old token works until it expires.');
    return;
  }
  const additionalParameters = { token_type_hint: 'access_token' };
  const request = { ...optionsFor('the revocation'), additionalParameters };
  await as('revocation', async (authentication) =>
    acceptedRevocation(await library.revocationRequest(server, client, authentication, accessToken, request)),
  );
}
