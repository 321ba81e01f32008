import { type IssuingRotator, optionalText } from '../../src/rotator/index.ts';
import { connect } from './connection.ts';
import { parseToken, requestToken, type TokenCredential, type TokenSession, tokenFields } from './token.ts';
import { type TokenOptions, tokenRotator } from './token-rotator.ts';

/** Fields of the secret that are sent with the request for a token, unchanged. */
const requested = ['scope', 'resource', 'audience'] as const;

/** An access token that a client gets for itself. */
export interface ClientCredential extends TokenCredential {
  /** The secret's `scope`, `resource` and `audience`, if there are any. */
  readonly requested: Readonly<Record<string, string>>;
}

/**
 * Rotates the access token that a client gets with its own credentials: the field `access_token`. The old token is revoked
 * (RFC 7009), if the server has an endpoint for that.
 *
 * The rotator's calls throw: PermissionDenied if the server refuses the client, TargetBusy, TargetUnreachable, CertificateRejected,
 * TargetFailed, DriverMissing without the package oauth4webapi. `parse` throws InvalidSecretField.
 *
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-4.4
 */
export function oauthClientCredentials(
  options: TokenOptions = {},
): IssuingRotator<ClientCredential, TokenSession> {
  return tokenRotator<ClientCredential>(
    {
      name: 'oauth/client-credentials',
      parse: (fields) => {
        const values = requested.map((field) => [field, optionalText(fields, field)] as const);
        return {
          ...parseToken(fields),
          requested: Object.fromEntries(
            values.flatMap(([field, value]) => (value === undefined ? [] : [[field, value]])),
          ),
        };
      },
      issue: async (current, context) => {
        const connection = await connect(current, context);
        return tokenFields(await requestToken(connection, 'client_credentials', current.requested));
      },
      // No other token depends on it.
      isRevocable: () => true,
    },
    options,
  );
}
