import { createHash, randomUUID } from 'node:crypto';
import type { RotatorHarness } from '../../../src/testing/index.ts';
import type { TokenServer } from '../../support/token-servers/server.ts';
import makeRotator from './rotator.ts';

/** Tokens of a real server's accounts, counted at that server. */
export function tokenServerHarness({ description, newAccount }: TokenServer): RotatorHarness {
  const rotator = makeRotator(description);
  return {
    rotator,
    account: async () => {
      const { secret, admin, live } = await newAccount();
      return {
        secret,
        tags: { 'keyturn:rotator': rotator.name },
        ...(admin && { admin: { ...admin, serves: { '*': ['*'] } } }),
        digest: async () =>
          createHash('sha256')
            .update((await live()).join())
            .digest('hex'),
        countOrphans: async (needed) =>
          (await live()).filter((id) => !needed.some(({ tokenId }) => String(tokenId) === id)).length,
      };
    },
    refused: (fields) => ({ ...fields, token: randomUUID() }),
    elsewhere: (fields, { host, port }) => ({ ...fields, host: `http://${host}:${port}` }),
    busy: () => new Error('The server was answered 429.'),
    module: { url: new URL('./rotator.ts', import.meta.url).href, settings: description },
  };
}
