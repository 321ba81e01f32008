import { afterAll, describe, it } from 'vitest';
import { describeRotator } from '../../../src/testing/index.ts';
import { missingServer, startMysql } from '../../support/mysql-server.ts';
import { mysqlHarness, waysOf } from './harness.ts';

for (const flavour of ['mysql', 'mariadb'] as const) {
  const missing = missingServer(flavour);
  if (missing === undefined) {
    const server = await startMysql(flavour);
    afterAll(server.stop);
    for (const way of waysOf[flavour])
      describeRotator(`${flavour}, two passwords by ${way}`, mysqlHarness(server, way));
  } else {
    describe(flavour, () => it.skip(`keeps the promises of a rotator: ${missing}`));
  }
}
