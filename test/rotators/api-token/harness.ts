import { createHash, randomUUID } from 'node:crypto';
import type { ApiDescription } from '../../../rotators/api-token/index.ts';
import type { SecretFields } from '../../../src/index.ts';
import type { RotatorHarness } from '../../../src/testing/index.ts';
import { adminToken } from '../../support/token-service/accounts.ts';
import type { TokenService } from '../../support/token-service/server.ts';
import makeRotator from './rotator.ts';

/** Accounts of a token service, by a description of its API. */
export function apiTokenHarness({ url, store }: TokenService, description: ApiDescription): RotatorHarness {
  const rotator = makeRotator(description);
  return {
    rotator,
    account: async () => {
      const username = `robot ${randomUUID()}`;
      const { token, id: tokenId } = store.issue(username, 'by hand') ?? {};
      const alive = () => store.list(username).map((issued) => issued.token);
      return {
        secret: { host: url, username, token, tokenId },
        tags: { 'keyturn:rotator': rotator.name },
        admin: { host: url, token: adminToken },
        digest: async () => createHash('sha256').update(alive().join()).digest('hex'),
        countOrphans: async (needed) =>
          alive().filter((one) => !needed.some(({ token }) => token === one)).length,
      };
    },
    refused: withToken,
    elsewhere: (fields, { host, port }) => ({ ...fields, host: `http://${host}:${port}` }),
    busy: () => new Error('The service was answered 429.'),
    module: { url: new URL('./rotator.ts', import.meta.url).href, settings: description },
  };
}

function withToken(fields: SecretFields): SecretFields {
  return { ...fields, token: `tok_${randomUUID()}` };
}
