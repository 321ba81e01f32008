import { randomBytes } from 'node:crypto';
import type Provider from 'oidc-provider';
import type { ClientMetadata, KoaContextWithOIDC } from 'oidc-provider';
import type { Leniency } from './storage.ts';

/** How a server treats client secrets. */
export interface SecretManners extends Leniency {
  /** Whether the update of a registration makes a new secret (RFC 7592, section 2.2). Default: yes. */
  readonly renewsSecrets?: boolean;
}

/** Makes a new client secret at each update of a registration that does not name the current one. */
export interface SecretRenewal {
  policy(ctx: KoaContextWithOIDC, metadata: ClientMetadata): void;
  /** Makes a server accept replaced secrets for a while. */
  install(provider: Provider): void;
  /** The replaced secrets of a client that still work. */
  accepted(clientId: string): string[];
}

export function newSecret(): string {
  return randomBytes(32).toString('base64url');
}

export function createSecretRenewal({ leewayMs, renewsSecrets = true }: SecretManners): SecretRenewal {
  const replaced = new Map<string, { readonly secret: string; readonly untilMs: number }[]>();
  const of = (clientId: string) => replaced.get(clientId) ?? [];
  const accepted = (clientId: string): string[] =>
    of(clientId)
      .filter(({ untilMs }) => Date.now() < untilMs)
      .map(({ secret }) => secret);

  return {
    accepted,
    policy: (ctx, metadata) => {
      const { client_id: clientId, client_secret: secret } = metadata;
      const isAsked = ctx.method === 'PUT' && ctx.oidc.body?.client_secret === undefined;
      if (!renewsSecrets || !isAsked || secret === undefined) return;
      replaced.set(clientId, [...of(clientId), { secret, untilMs: Date.now() + leewayMs }]);
      metadata.client_secret = newSecret();
    },
    install: (provider) => {
      const { prototype } = provider.Client;
      const compare = prototype.compareClientSecret;
      prototype.compareClientSecret = function (actual) {
        return accepted(this.clientId).includes(actual) || compare.call(this, actual);
      };
    },
  };
}
