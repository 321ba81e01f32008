import { after } from 'node:test';
import { describeRotator } from 'keyturn/testing';
import { httpPasswordHarness } from './harness.js';
import { startHttpService } from './http-service.js';

const service = await startHttpService();
after(service.stop);
describeRotator('the example of a password', httpPasswordHarness(service));
