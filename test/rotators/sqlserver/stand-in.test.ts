import { standInHarness } from '../../support/tds/harness.ts';
import { sqlServerSuite } from './suite.ts';

sqlServerSuite('the stand-in for SQL Server', standInHarness);
