import { afterAll } from 'vitest';
import { describeRotator } from '../../src/testing/index.ts';
import { httpPasswordHarness } from './harness.ts';
import { startHttpService } from './http-service.ts';

const service = await startHttpService();
afterAll(service.stop);
describeRotator('the example of a password', httpPasswordHarness(service));
