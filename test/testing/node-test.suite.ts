import { after } from 'node:test';
import { describeRotator } from '../../src/testing/index.ts';
import { memoryHarness, passwordRotator } from './memory-rotators.ts';
import { startMemoryTarget } from './memory-target.ts';

const target = await startMemoryTarget();
after(() => target.stop());
describeRotator('a rotator under node:test', memoryHarness(target, passwordRotator));
