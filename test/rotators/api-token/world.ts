import { randomUUID } from 'node:crypto';
import { type ApiDescription, apiToken, type TransportOptions } from '../../../rotators/api-token/index.ts';
import type { SecretFields } from '../../../src/index.ts';
import { type Clock, systemClock } from '../../../src/local/index.ts';
import { startTestSecretsManager } from '../../../src/testing/secrets.ts';
import { type RotationFixture, startFixture } from '../../support/rotation-fixture.ts';
import { accountRoutes, adminToken } from '../../support/token-service/accounts.ts';
import { startTokenService, type TokenService } from '../../support/token-service/server.ts';

/** An account of a token service, its secret, and the function that rotates it. */
export interface TokenWorld {
  readonly fixture: RotationFixture;
  readonly service: TokenService;
  readonly arn: string;
  readonly username: string;
  /** The tokens that work, the oldest first. */
  alive(): string[];
}

export interface WorldSettings {
  readonly transport?: TransportOptions;
  readonly tls?: { readonly cert: string; readonly key: string };
  /** Makes the secret out of its usual fields. */
  readonly secret?: (fields: SecretFields) => unknown;
  /** Tries of a rotation after the first. */
  readonly retries?: number;
  /** Where Secrets Manager takes its dates from. */
  readonly clock?: Clock;
}

export async function withTokenWorld(
  describe: (service: TokenService) => ApiDescription,
  use: (world: TokenWorld) => Promise<void>,
  {
    transport = {},
    tls,
    secret = (fields) => fields,
    retries = 0,
    clock = systemClock(),
  }: WorldSettings = {},
): Promise<void> {
  const service = await startTokenService(accountRoutes, tls);
  const rotator = apiToken(describe(service), transport);
  const fixture = await startFixture({ rotators: [rotator] }, retries, (delaysMs) =>
    startTestSecretsManager(delaysMs, clock),
  );
  try {
    const username = `robot ${randomUUID()}`;
    const { token, id: tokenId } = service.store.issue(username, 'by hand') ?? {};
    const masterarn = await fixture.createSecret({ host: service.url, token: adminToken });
    const fields = { host: service.url, username, token, tokenId, masterarn };
    const arn = await fixture.createSecret(secret(fields), { 'keyturn:rotator': rotator.name });
    const alive = () => service.store.list(username).map((issued) => issued.token);
    await use({ fixture, service, arn, username, alive });
  } finally {
    await fixture.close();
    await service.stop();
  }
}
