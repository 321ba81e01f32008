import {
  contradictoryField,
  type IssuingRotator,
  KeyturnError,
  requireText,
  type SecretFields,
} from '../../src/rotator/index.ts';
import { type JsonObject, textIn } from './answers.ts';
import { type Connection, connect } from './connection.ts';
import { isClientRefused, Refusal } from './refusal.ts';
import { parseToken, requestToken, type TokenCredential, type TokenSession, tokenFields } from './token.ts';
import { type TokenOptions, tokenRotator } from './token-rotator.ts';

/** An access token of a user who has authorized the client, and its refresh token. */
export interface RefreshableCredential extends TokenCredential {
  /** The refresh token. */
  readonly refreshToken: string;
  /** Whether the server can revoke an access token without its refresh token. */
  readonly revokesAccessTokens: boolean;
}

function parseFlag(fields: SecretFields, field: string): boolean {
  const value = fields[field] ?? false;
  if (typeof value === 'boolean') return value;
  throw contradictoryField(field, 'must be true or false');
}

/**
 * Rotates an access token with its refresh token: the fields `access_token` and `refresh_token`. The server may replace the refresh
 * token at each use.
 *
 * The newest stored refresh token is used first. A server that replaces refresh tokens takes the use of an older one for theft, and
 * ends the whole grant. After a failed rotation, the newest one may be in a version that is not AWSCURRENT.
 *
 * An old access token is revoked only if the secret says `revokes_access_tokens`: true. Otherwise the server may revoke the refresh
 * token with it (RFC 7009, section 2.1).
 *
 * The rotator's calls throw: NoCredentialAccepted if the server refuses the refresh token of every version, PermissionDenied if it
 * refuses the client, TargetBusy, TargetUnreachable, CertificateRejected, TargetFailed, DriverMissing without the package
 * oauth4webapi. `parse` throws InvalidSecretField.
 *
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-6
 * @see https://www.rfc-editor.org/rfc/rfc9700#section-4.14.2
 */
export function oauthRefreshToken(
  options: TokenOptions = {},
): IssuingRotator<RefreshableCredential, TokenSession> {
  return tokenRotator<RefreshableCredential>(
    {
      name: 'oauth/refresh-token',
      parse: (fields) => ({
        ...parseToken(fields),
        refreshToken: requireText(fields, 'refresh_token'),
        revokesAccessTokens: parseFlag(fields, 'revokes_access_tokens'),
      }),
      issue: async (current, context) => {
        const connection = await connect(current, context);
        const tried = new Set<string>();
        let refusal: Refusal | undefined;
        for await (const { refreshToken } of context.stored()) {
          if (tried.has(refreshToken)) continue;
          tried.add(refreshToken);
          const answer = await refresh(connection, refreshToken);
          if (answer instanceof Refusal) {
            refusal ??= answer;
            continue;
          }
          return { ...tokenFields(answer), refresh_token: textIn(answer, 'refresh_token') ?? refreshToken };
        }
        throw noneAccepted(refusal);
      },
      isRevocable: ({ revokesAccessTokens }) => revokesAccessTokens,
    },
    options,
  );
}

/**
 * Error codes that refuse the refresh token (RFC 6749, section 5.2). Gitea answers `unauthorized_client` for a refresh token that has
 * expired or was used (routers/web/auth/oauth2_provider.go). If it refuses the client, it answers `invalid_client`.
 */
const tokenRefusals: readonly (string | undefined)[] = ['invalid_grant', 'unauthorized_client'];

/** The server's refusal, if it refuses the refresh token and not the client. */
async function refresh(connection: Connection, refreshToken: string): Promise<JsonObject | Refusal> {
  try {
    return await requestToken(connection, 'refresh_token', { refresh_token: refreshToken }, true);
  } catch (error) {
    if (error instanceof Refusal && !isClientRefused(error) && tokenRefusals.includes(error.code))
      return error;
    throw error;
  }
}

function noneAccepted(refusal: Refusal | undefined): KeyturnError {
  const newest = refusal === undefined ? '' : ` To the newest, ${refusal.message}.`;
  return new KeyturnError(
    'NoCredentialAccepted',
    `The server refuses the refresh token of every stored version.${newest}`,
    'Authorize the client again, store the new refresh_token with PutSecretValue, and rotate again.',
    { cause: refusal },
  );
}
