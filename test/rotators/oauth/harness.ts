import { randomUUID } from 'node:crypto';
import { ApiFailure } from '../../../rotators/http/failure.ts';
import { rotatorTag, type SecretFields } from '../../../src/index.ts';
import type { RotatorHarness } from '../../../src/testing/index.ts';
import type { OAuthServer } from '../../support/oauth/server.ts';
import makeRotator, { type OAuthSettings } from './rotator.ts';

/** Clients of a server whose revocation ends only the access token. Their secrets hold the endpoints. */
export function oauthHarness(server: OAuthServer, settings: OAuthSettings): RotatorHarness {
  const rotator = makeRotator(settings);
  const secretOf = {
    'client-secret': server.registeredClient,
    'refresh-token': async () => ({ ...(await server.authorizedClient()), revokes_access_tokens: true }),
    'client-credentials': server.serviceClient,
  }[settings.kind];
  return {
    rotator,
    account: async () => {
      const secret: SecretFields = await secretOf();
      return {
        secret,
        tags: { [rotatorTag]: rotator.name },
        digest: async () => JSON.stringify(await server.alive(secret.client_id)),
      };
    },
    refused: (fields) => {
      const field = settings.kind === 'client-secret' ? 'client_secret' : 'access_token';
      return { ...fields, [field]: `refused-${randomUUID()}` };
    },
    elsewhere: (fields, { host, port }) => {
      const isUrl = (value: unknown) => typeof value === 'string' && URL.canParse(value);
      const moved = Object.entries(fields).map(([field, value]) => [
        field,
        isUrl(value) ? `http://${host}:${port}${new URL(String(value)).pathname}` : value,
      ]);
      return Object.fromEntries(moved);
    },
    busy: () => new ApiFailure('TargetBusy', 'The token request was answered 429.'),
    // The server makes all that is new.
    passwords: [],
    module: { url: new URL('./rotator.ts', import.meta.url).href, settings },
  };
}
