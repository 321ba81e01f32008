import { afterAll, inject } from 'vitest';
import { describeRotator } from '../../../src/testing/index.ts';
import { postgresHarness } from './harness.ts';

for (const kind of ['single', 'alternating'] as const) {
  const harness = postgresHarness(inject('postgres'), kind);
  afterAll(harness.stop);
  describeRotator(`Postgres, ${kind}`, harness);
}
