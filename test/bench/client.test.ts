import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { measureLibrary } from '../../bench/client/library.ts';

const root = join(import.meta.dirname, '../..');

function run(...args: string[]): Promise<{ code: unknown; stdout: string; stderr: string }> {
  const flags = ['--disable-warning=ExperimentalWarning', 'bench/client.ts', ...args];
  return new Promise((resolve) => {
    execFile(process.execPath, flags, { cwd: root }, (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, stdout, stderr }),
    );
  });
}

describe('bench:client', () => {
  it('explains its options', async () => {
    const { code, stdout } = await run('--help');
    expect(code).toBe(0);
    for (const option of ['--rotations N', '--case TEXT', '--json', '--help'])
      expect(stdout).toContain(option);
  });

  it.each([
    { args: ['--fast'], code: 2, says: '--fast' },
    { args: ['--rotations', '0'], code: 1, says: '--rotations takes a whole number' },
    { args: ['--case', 'no such server'], code: 1, says: '--case: none has "no such server"' },
  ])('says in one line what is wrong with $args', async ({ args, code, says }) => {
    const ended = await run(...args);
    expect(ended).toMatchObject({ code, stdout: '' });
    expect(ended.stderr).toContain(says);
    expect(ended.stderr.trim().split('\n')).toHaveLength(1);
  });

  it('says for each contender what failed and which calls it made', async () => {
    const { code, stdout } = await run('--json', '--rotations', '2', '--case', 'api token');
    const { rotations, totals, cases, library } = JSON.parse(stdout);
    expect([code, rotations, cases.length]).toEqual([0, 2, 1]);
    expect(Object.keys(totals)).toEqual([
      'keyturn/client',
      'Powertools parameters',
      'aws-secretsmanager-caching',
      'naive cache',
    ]);
    const figures = {
      calls: expect.any(Number),
      failures: expect.any(Number),
      longestCallMs: expect.any(Number),
      secretsManagerCalls: expect.any(Number),
      secretsManagerCallsPerRotation: expect.any(Number),
    };
    for (const one of Object.values(totals)) expect(one).toEqual(figures);
    expect(totals['keyturn/client'].failures).toBe(0);
    expect(totals['keyturn/client'].calls).toBeGreaterThan(0);
    expect(library).toMatchObject({ cachedGetNs: expect.any(Number), importMs: expect.any(Number) });
  });
});

describe('the bundle of keyturn/client', () => {
  it('loads at most 15 kB when it is imported, beside the SDK', async () => {
    const { importedBytes, readerBytes } = await measureLibrary();
    expect(importedBytes).toBeGreaterThan(5_000);
    expect(importedBytes).toBeLessThanOrEqual(15_000);
    // The code that reads documents is loaded with the first value.
    expect(readerBytes).toBeGreaterThan(10_000);
  });
});
