import { afterAll } from 'vitest';
import { describeRotator } from '../../../src/testing/index.ts';
import { accountApi, accountRoutes } from '../../support/token-service/accounts.ts';
import { startTokenService } from '../../support/token-service/server.ts';
import { apiTokenHarness } from './harness.ts';

const service = await startTokenService(accountRoutes);
afterAll(service.stop);

for (const by of ['token', 'admin'] as const) {
  for (const revocation of ['on-next-rotation', 'at-once'] as const) {
    const description = { ...accountApi(by), revocation };
    describeRotator(`API tokens by the ${by}, revoked ${revocation}`, apiTokenHarness(service, description));
  }
}
