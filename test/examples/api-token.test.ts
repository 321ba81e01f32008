import { readFile } from 'node:fs/promises';
import { afterAll, expect, it } from 'vitest';
import { exampleToken } from '../../examples/api-token.ts';
import { crashMatrix, describeRotator } from '../../src/testing/index.ts';
import { apiTokenHarness } from '../rotators/api-token/harness.ts';
import { accountApi, accountRoutes } from '../support/token-service/accounts.ts';
import { startTokenService } from '../support/token-service/server.ts';

const service = await startTokenService(accountRoutes);
afterAll(service.stop);
// The service and its accounts are those of a described API. Only the rotator is the example's.
const { module: _described, ...described } = apiTokenHarness(service, accountApi('token'));
const harness = {
  ...described,
  rotator: exampleToken,
  account: async () => {
    const { admin: _nobody, ...account } = await described.account();
    return { ...account, tags: { 'keyturn:rotator': exampleToken.name } };
  },
};
describeRotator('the example of a token', harness);

it('leaves no token alive that was minted and never stored', { timeout: 120_000 }, async () => {
  const { cells, failed } = await crashMatrix(harness, {
    only: ({ place, fault, recovery }) =>
      place.includes(' target POST') && fault !== 'crash-before' && recovery !== 'second-invocation',
  });
  expect(failed.map(({ id, place, failure }) => ({ id, place, failure }))).toEqual([]);
  expect(cells.length).toBeGreaterThan(5);
});

it('is written in less than 60 lines', async () => {
  const text = await readFile(new URL('../../examples/api-token.ts', import.meta.url), 'utf8');
  expect(text.trimEnd().split('\n').length).toBeLessThan(60);
});
