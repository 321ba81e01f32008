import { describe, it } from 'vitest';
import { realHarness } from '../../support/tds/harness.ts';
import { sqlServerSuite } from './suite.ts';

const connectionString = process.env.KEYTURN_TEST_SQLSERVER_URL;

if (connectionString === undefined || connectionString === '') {
  describe('a real SQL Server', () => {
    it.skip('skipped: KEYTURN_TEST_SQLSERVER_URL, an ADO.NET connection string of an admin, is not set', () =>
      undefined);
  });
} else {
  sqlServerSuite('a real SQL Server', () => realHarness(connectionString));
}
