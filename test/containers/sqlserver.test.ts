import { sqlServer, sqlServerAlternatingUsers } from '../../rotators/sqlserver/index.ts';
import { hostileNames } from '../support/tds/harness.ts';
import { findSqlServer } from './sqlserver.ts';
import { describeSwaps } from './swaps.ts';

const found = await findSqlServer();
const options = 'options' in found ? found.options : {};

describeSwaps('SQL Server', found, {
  rotators: [sqlServer(options), sqlServerAlternatingUsers(options)],
  names: hostileNames,
});
