import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const demo = (...args: string[]) =>
  promisify(execFile)(process.execPath, [
    '--disable-warning=ExperimentalWarning',
    'examples/demo/main.ts',
    '--fleet',
    ...args,
  ]);

describe('the demo with --fleet', () => {
  it('rotates all secrets, and keeps to what is allowed at a host', async () => {
    const { stdout, stderr } = await demo('--json');
    expect(stderr).toBe('');
    const outcome: Record<string, number> = JSON.parse(stdout);
    expect(outcome).toEqual({
      secrets: 120,
      rotated: 120,
      failed: 0,
      maxPerTarget: expect.any(Number),
      secretsManagerCallsPerSecond: expect.any(Number),
    });
    expect(outcome.maxPerTarget).toBeGreaterThanOrEqual(1);
    expect(outcome.maxPerTarget).toBeLessThanOrEqual(2);
    expect(outcome.secretsManagerCallsPerSecond).toBeGreaterThan(1);
  });
});
