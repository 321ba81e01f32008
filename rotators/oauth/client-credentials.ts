import { type IssuingRotator, optionalText } from '../../src/rotator/index.ts';
import { connect } from './connection.ts';
import { parseToken, requestToken, type TokenCredential, type TokenSession, tokenFields } from './token.ts';
import { type TokenOptions, tokenRotator } from './token-rotator.ts';

/** What a client asks a token for, each as it stands in the secret. */
const requested = ['scope', 'resource', 'audience'] as const;

/** A token that a client gets for itself. */
export interface ClientCredential extends TokenCredential {
  readonly requested: Readonly<Record<string, string>>;
}

/**
 * Rotates an access token that a client gets by its own credentials.
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
      // Each of these tokens stands for itself.
      isRevocable: () => true,
    },
    options,
  );
}
