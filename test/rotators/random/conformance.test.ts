import { describeRotator } from '../../../src/testing/index.ts';
import { randomHarness, randomNames } from './harness.ts';

for (const name of randomNames) describeRotator(name, randomHarness(name));
