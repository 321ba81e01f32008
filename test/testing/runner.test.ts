import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, it } from 'vitest';
import { describeRotator } from '../../src/testing/index.ts';
import { memoryHarness, tokenRotator } from './memory-rotators.ts';
import { startMemoryTarget } from './memory-target.ts';

it('registers the same suite with node:test, with its skips and their reasons', async () => {
  const { VITEST, NODE_OPTIONS, ...env } = process.env;
  const file = join(import.meta.dirname, 'node-test.suite.ts');
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', '--test', '--test-reporter=tap', file],
    { env },
  );
  expect(stdout).toMatch(/^# fail 0$/m);
  expect(stdout).toMatch(/^# skipped 9$/m);
  expect(stdout).toContain('ok 1 - a rotator under node:test');
  expect(stdout).toMatch(/revokes twice as it revokes once # SKIP the rotator has no revoke/);
});

const target = await startMemoryTarget();
afterAll(() => target.stop());
describeRotator('a rotator under vitest', memoryHarness(target, tokenRotator));
