import type { Rotator } from '../../src/rotator/index.ts';
import { oauthClientCredentials } from './client-credentials.ts';
import { oauthClientSecret } from './client-secret.ts';
import { oauthRefreshToken } from './refresh-token.ts';
import type { TokenOptions } from './token-rotator.ts';

export type { OAuthClient } from './client.ts';
export { type ClientCredential, oauthClientCredentials } from './client-credentials.ts';
export { type ClientSecretOptions, oauthClientSecret, type RegisteredClient } from './client-secret.ts';
export { oauthRefreshToken, type RefreshableCredential } from './refresh-token.ts';
export type { TokenCredential, TokenSession } from './token.ts';
export type { TokenOptions } from './token-rotator.ts';

/** All three rotators of OAuth. @param options `revocation` is for the two rotators of tokens */
export function oauthRotators(options: TokenOptions = {}): Rotator[] {
  const { revocation: _tokensOnly, ...reach } = options;
  return [oauthClientSecret(reach), oauthRefreshToken(options), oauthClientCredentials(options)];
}
