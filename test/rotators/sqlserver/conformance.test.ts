import { afterAll, describe, it } from 'vitest';
import { describeRotator } from '../../../src/testing/index.ts';
import { realHarness, standInHarness } from '../../support/tds/harness.ts';
import { sqlServerHarness } from './harness.ts';

const kinds = ['single', 'alternating'] as const;

const standIn = await standInHarness();
afterAll(standIn.stop);
for (const kind of kinds)
  describeRotator(`SQL Server's stand-in, ${kind}`, sqlServerHarness(standIn, kind, standIn.standIn.ca));

const connectionString = process.env.KEYTURN_TEST_SQLSERVER_URL;
if (connectionString === undefined || connectionString === '') {
  describe('a real SQL Server', () => {
    it.skip('skipped: KEYTURN_TEST_SQLSERVER_URL, an ADO.NET connection string of an admin, is not set', () =>
      undefined);
  });
} else {
  const real = await realHarness(connectionString);
  afterAll(real.stop);
  for (const kind of kinds) describeRotator(`SQL Server, ${kind}`, sqlServerHarness(real, kind));
}
