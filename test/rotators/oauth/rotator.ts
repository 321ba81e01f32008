import {
  oauthClientCredentials,
  oauthClientSecret,
  oauthRefreshToken,
} from '../../../rotators/oauth/index.ts';
import type { Revocation, Rotator } from '../../../src/index.ts';

const makers = {
  'client-secret': () => oauthClientSecret(),
  'refresh-token': oauthRefreshToken,
  'client-credentials': oauthClientCredentials,
} as const;

/** The settings of a rotator, which another process can read too. */
export interface OAuthSettings {
  readonly kind: keyof typeof makers;
  readonly revocation?: Revocation;
}

function isSettings(settings: unknown): settings is OAuthSettings {
  return typeof settings === 'object' && settings !== null && 'kind' in settings;
}

/** Makes the rotator that the settings name. */
export default function makeRotator(settings: unknown): Rotator {
  if (!isSettings(settings)) throw new Error('The settings are {kind, revocation}.');
  const { kind, ...options } = settings;
  return makers[kind](options);
}
