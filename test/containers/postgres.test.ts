import { postgres, postgresAlternatingUsers } from '../../rotators/postgres/index.ts';
import { findPostgres } from './postgres.ts';
import { describeSwaps } from './swaps.ts';

describeSwaps('PostgreSQL', await findPostgres(), { rotators: [postgres(), postgresAlternatingUsers()] });
